//! Filters of a URL: `country=FR,DE` counts these, `reason=-bot,-prefetch` all but these, `(none)` is
//! "none known". A backslash takes the meaning from the character behind it (`sub1=a\,b`).

use super::{Errors, pairs::Pairs};
use crate::queries::stats::{Dimension, Filter};

const MAX_VALUES: usize = 200;

/// Takes the filters of every dimension out of the pairs.
pub fn take(pairs: &mut Pairs, errors: &mut Errors) -> Vec<Filter> {
    let mut filters = Vec::new();
    for dimension in Dimension::all().filter(|dimension| !dimension.is_time()) {
        let Some(text) = pairs.take(dimension.name()) else { continue };
        let (mut with, mut without) = (Vec::new(), Vec::new());
        let pieces = split(&text);
        if pieces.len() > MAX_VALUES {
            let detail = format!("at most {MAX_VALUES} values");
            errors.add(dimension.name(), "too_many", detail);
            continue;
        }
        for (value, exclude) in pieces {
            match dimension.store_value(&value) {
                Some(value) if exclude => without.push(value),
                Some(value) => with.push(value),
                None => errors.add(dimension.name(), "invalid_value", expected(dimension)),
            }
        }
        for (values, exclude) in [(with, false), (without, true)] {
            if !values.is_empty() {
                filters.push(Filter { dimension, values, exclude });
            }
        }
    }
    filters
}

/// A filter as it stands in a URL: the inverse of `take`, for links from a number to its rows.
pub fn write(values: &[&str], exclude: bool) -> String {
    let escape = |value: &str| {
        let inside = value.replace('\\', "\\\\").replace(',', "\\,");
        match (exclude, inside.starts_with('-')) {
            (true, _) => format!("-{inside}"),
            (false, true) => format!("\\{inside}"),
            (false, false) => inside,
        }
    };
    let values: Vec<String> = values.iter().map(|value| escape(value)).collect();
    values.join(",")
}

/// A filter that must hold beside the one that stands in a URL: rows of one value, or (`exclude`) of
/// any other. Where the two contradict each other, one that no row fits.
pub fn also(text: &str, value: &str, exclude: bool) -> String {
    let pieces = if text.is_empty() { Vec::new() } else { split(text) };
    let taken = |wanted: bool| pieces.iter().any(|(one, not)| *not == wanted && one == value);
    let others = pieces.iter().any(|(one, not)| !*not && one != value);
    match exclude {
        true if taken(true) => text.to_owned(),
        true if text.is_empty() => write(&[value], true),
        true => format!("{text},{}", write(&[value], true)),
        false if taken(true) || (others && !taken(false)) => {
            format!("{},{}", write(&[value], false), write(&[value], true))
        }
        false => write(&[value], false),
    }
}

fn split(text: &str) -> Vec<(String, bool)> {
    let mut pieces = Vec::new();
    let (mut piece, mut exclude, mut escaped, mut first) = (String::new(), false, false, true);
    for c in text.chars() {
        match c {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            ',' if !escaped => {
                pieces.push((std::mem::take(&mut piece), exclude));
                (exclude, first) = (false, true);
                continue;
            }
            '-' if first && !escaped => exclude = true,
            _ => piece.push(c),
        }
        (escaped, first) = (false, false);
    }
    pieces.push((piece, exclude));
    pieces
}

fn expected(dimension: Dimension) -> String {
    match dimension {
        Dimension::Program => "ids of programs, as prg_1".to_owned(),
        Dimension::Link => "ids of links, as lnk_1".to_owned(),
        Dimension::Affiliate => "ids of affiliates, as aff_1".to_owned(),
        Dimension::Reason | Dimension::Refusal => "a reason of the published list".to_owned(),
        _ => "1 to 512 characters; (none) for what is not known".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Vec<(String, Vec<String>, bool)>, String> {
        let (mut pairs, mut errors) = (Pairs::parse(query).unwrap(), Errors::default());
        let filters = take(&mut pairs, &mut errors);
        let named =
            |filter: Filter| (filter.dimension.name().to_owned(), filter.values, filter.exclude);
        match errors.finish() {
            Ok(()) => Ok(filters.into_iter().map(named).collect()),
            Err(crate::Error::Invalid(fields)) => Err(fields[0].field.clone()),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn values_are_lists_with_exclusions_and_escapes() {
        let one = |name: &str, values: &[&str], exclude| {
            (name.to_owned(), values.iter().map(|value| (*value).to_owned()).collect(), exclude)
        };
        let cases = [
            ("country=FR,DE", vec![one("country", &["FR", "DE"], false)]),
            ("reason=-bot,-prefetch", vec![one("reason", &["bot", "prefetch"], true)]),
            (
                "program=prg_3,-prg_4",
                vec![one("program", &["3"], false), one("program", &["4"], true)],
            ),
            ("sub1=a%5C,b,%5C-c,%5C%5C", vec![one("sub1", &["a,b", "-c", "\\"], false)]),
            ("city=(none)", vec![one("city", &[""], false)]),
            ("sub10='%3B--%20", vec![one("sub10", &["';-- "], false)]),
            ("country=", vec![]),
        ];
        for (query, expected) in cases {
            assert_eq!(read(query).unwrap(), expected, "{query}");
        }
    }

    #[test]
    fn what_no_store_can_have_is_refused() {
        for query in ["program=3", "link=prg_1", "reason=robot", "country=FR,,DE", "sub1=-"] {
            assert_eq!(read(query).unwrap_err(), query.split('=').next().unwrap(), "{query}");
        }
        assert!(read(&format!("sub1={}", "x,".repeat(300))).is_err());
        assert!(read(&format!("sub1={}", "x".repeat(513))).is_err());
    }

    #[test]
    fn a_further_filter_never_widens_the_one_that_stands_there() {
        for (text, value, exclude, expected) in [
            ("", "unique", false, "unique"),
            ("unique,duplicate", "unique", false, "unique"),
            ("-invalid", "unique", false, "unique"),
            ("-unique", "unique", false, "unique,-unique"),
            ("duplicate", "unique", false, "unique,-unique"),
            ("", "invalid", true, "-invalid"),
            ("pending", "invalid", true, "pending,-invalid"),
            ("-invalid", "invalid", true, "-invalid"),
        ] {
            assert_eq!(also(text, value, exclude), expected, "{text} and {value}");
        }
    }

    #[test]
    fn a_written_filter_reads_back() {
        for value in ["a", "-a", "a,b", "\\", "-,\\"] {
            for exclude in [false, true] {
                let text = write(&[value], exclude);
                assert_eq!(split(&text), [(value.to_owned(), exclude)], "{text}");
            }
        }
    }
}
