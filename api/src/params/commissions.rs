//! Which commissions are asked for. Pages and JSON read the same.

use schemas::ids::{CommissionId, ConversionId};

use super::{
    Errors, conversions, cursor, filters, id,
    pairs::Pairs,
    range::{Clock, Range},
};
use crate::queries::{
    Cursor,
    commissions::{Find, STATUSES},
    stats::{Dimension, Filter},
};

pub use crate::queries::commissions::has;

/// Takes which commissions are asked for, and where the list goes on.
pub fn take(pairs: &mut Pairs, errors: &mut Errors, clock: Clock) -> (Find, Cursor) {
    let conversion = take_conversion(pairs, errors);
    let range = conversions::take_span(pairs, errors, clock, conversion.is_some());
    let filters = filters::take(pairs, errors);
    let cursor = cursor::take::<CommissionId>(pairs, errors);
    (narrow(conversion, range, filters, errors), cursor)
}

/// Takes the conversion whose commission is asked for.
pub fn take_conversion(pairs: &mut Pairs, errors: &mut Errors) -> Option<ConversionId> {
    let text = pairs.take("conversion")?;
    errors.take(id("conversion", &text))
}

/// Those of a conversion, within a span and under filters: what no commission has is refused.
pub fn narrow(
    conversion: Option<ConversionId>,
    range: Option<Range>,
    filters: Vec<Filter>,
    errors: &mut Errors,
) -> Find {
    for filter in &filters {
        let name = filter.dimension.name();
        if !has(filter.dimension) {
            errors.add(name, "unknown", "no commission has this");
        } else if filter.dimension == Dimension::Status {
            let known = |value: &String| STATUSES.contains(&value.as_str());
            if !filter.values.iter().all(known) {
                errors.add(name, "unknown", format!("any of {}", STATUSES.join(", ")));
            }
        }
    }
    Find { id: None, conversion, filters, range }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn read(query: &str) -> Result<Find, Vec<String>> {
        let (mut pairs, mut errors) = (Pairs::parse(query).unwrap(), Errors::default());
        let now = chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let (find, _) = take(&mut pairs, &mut errors, Clock { zone: chrono_tz::Tz::UTC, now });
        match errors.finish() {
            Ok(()) => Ok(find),
            Err(Error::Invalid(fields)) => Err(fields.into_iter().map(|f| f.field).collect()),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn what_no_commission_has_is_refused_by_field() {
        for (query, field) in [
            ("country=FR", "country"),
            ("event=sale", "event"),
            ("status=approved", "status"),
            ("status=-nothing", "status"),
            ("conversion=cm_1", "conversion"),
        ] {
            assert_eq!(read(query).unwrap_err(), [field], "{query}");
        }
    }

    #[test]
    fn a_list_has_the_usual_span_and_a_conversion_none() {
        assert!(read("status=pending,hold&link=-lnk_3").unwrap().range.is_some());
        assert!(read("conversion=cnv_1").unwrap().range.is_none());
    }
}
