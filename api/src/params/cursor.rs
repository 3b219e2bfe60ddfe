//! Pages of lists: `starting_after`, `ending_before`, `limit`.

use schemas::ids::{AffiliateId, CommissionId, ConversionId, EnrolmentId, LinkId, ProgramId};
use std::str::FromStr;

use super::{Errors, pairs::Pairs};
use crate::{error::Field, queries::Cursor};

const MAX_LIMIT: u16 = 500;

/// An id a list can go on from.
pub trait ListId: FromStr {
    /// The number PostgreSQL keeps.
    fn number(self) -> i64;
}

macro_rules! list_id {
    ($($id:ty),+) => { $(impl ListId for $id {
        fn number(self) -> i64 {
            self.to_sql()
        }
    })+ };
}

list_id!(AffiliateId, CommissionId, ConversionId, EnrolmentId, LinkId, ProgramId);

/// Takes a cursor of ids of one kind out of the pairs.
pub fn take<T: ListId>(pairs: &mut Pairs, errors: &mut Errors) -> Cursor {
    let mut id = |key: &'static str| {
        let text = pairs.take(key)?;
        let id = text.parse::<T>().map(ListId::number);
        errors.take(id.map_err(|_| Field::new(key, "invalid_id", "the id of a row of this list")))
    };
    let (starting_after, ending_before) = (id("starting_after"), id("ending_before"));
    if starting_after.is_some() && ending_before.is_some() {
        errors.add("ending_before", "conflict", "give starting_after or ending_before");
    }
    let limit = limit(pairs, errors);
    Cursor { starting_after, ending_before, limit }
}

/// Takes the limit alone.
pub fn limit(pairs: &mut Pairs, errors: &mut Errors) -> u16 {
    let usual = Cursor::default().limit;
    match pairs.take("limit").map(|limit| limit.parse()) {
        None => usual,
        Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => limit,
        Some(_) => {
            errors.add("limit", "out_of_range", format!("1 to {MAX_LIMIT}"));
            usual
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Cursor, String> {
        let (mut pairs, mut errors) = (Pairs::parse(query).unwrap(), Errors::default());
        let cursor = take::<LinkId>(&mut pairs, &mut errors);
        match errors.finish() {
            Ok(()) => Ok(cursor),
            Err(crate::Error::Invalid(fields)) => Err(fields[0].field.clone()),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_list_goes_on_from_an_id_of_its_own_kind() {
        let cursor = read("starting_after=lnk_9&limit=500").unwrap();
        assert_eq!((cursor.starting_after, cursor.limit), (Some(9), 500));
        let cases = [
            ("starting_after=9", "starting_after"),
            ("ending_before=prg_9", "ending_before"),
            ("starting_after=lnk_1&ending_before=lnk_2", "ending_before"),
            ("limit=501", "limit"),
            ("limit=0", "limit"),
            ("limit=1e9", "limit"),
        ];
        for (query, field) in cases {
            assert_eq!(read(query).unwrap_err(), field, "{query}");
        }
    }
}
