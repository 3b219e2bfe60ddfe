//! What asks to promote a program, what decides it, and which enrolments are asked for.

use schemas::ids::{AffiliateId, EnrolmentId, ProgramId};
use serde::Deserialize;

use super::{Errors, cursor, pairs::Pairs, text};
use crate::{
    error::{Error, Field},
    queries::{Cursor, enrolments::Find},
};

/// Somebody asks, by JSON or by a form.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentBody {
    /// What to promote.
    pub program: String,
    /// For whom; without it, the affiliate who asks.
    #[serde(default)]
    pub affiliate: Option<String>,
    /// At most 1000 characters.
    #[serde(default)]
    pub message: Option<String>,
}

/// A decision as it comes in.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionBody {
    /// `approved` or `rejected`.
    pub status: String,
    /// At most 1000 characters, for the affiliate to read.
    #[serde(default)]
    pub answer: Option<String>,
}

impl EnrolmentBody {
    /// Checks every field; `own` are the affiliates of whoever asks.
    ///
    /// # Errors
    /// `Invalid` with each wrong field.
    pub fn read(
        self,
        own: Option<&[AffiliateId]>,
    ) -> Result<((ProgramId, AffiliateId), String), Error> {
        let mut errors = Errors::default();
        let program = self.program.trim().parse::<ProgramId>();
        let program = errors.take(
            program.map_err(|_| Field::new("program", "invalid_id", "a program's id, as prg_1")),
        );
        let affiliate = match (self.affiliate.as_deref().map(str::trim), own) {
            (Some(text), _) if !text.is_empty() => text
                .parse::<AffiliateId>()
                .map_err(|_| Field::new("affiliate", "invalid_id", "an affiliate's id, as aff_1")),
            (_, Some([one])) => Ok(*one),
            _ => Err(Field::new("affiliate", "required", "say for which affiliate")),
        };
        let affiliate = errors.take(affiliate);
        let message = errors.take(text("message", &self.message.unwrap_or_default(), 0, 1000));
        errors.finish()?;
        Ok((
            (program.unwrap_or_default(), affiliate.unwrap_or_default()),
            message.unwrap_or_default(),
        ))
    }
}

impl DecisionBody {
    /// Checks every field.
    ///
    /// # Errors
    /// `Invalid` with each wrong field.
    pub fn read(self) -> Result<(String, String), Error> {
        let answer = text("answer", &self.answer.unwrap_or_default(), 0, 1000);
        let answer = answer.map_err(|wrong| Error::Invalid(vec![wrong]))?;
        Ok((self.status, answer))
    }
}

/// Takes which enrolments are asked for, and where the list goes on.
pub fn take(pairs: &mut Pairs, errors: &mut Errors) -> (Find, Cursor) {
    let status = pairs.take("status").and_then(|status| {
        let known = ["pending", "approved", "rejected"].contains(&status.as_str());
        let wrong = || Field::new("status", "unknown", "pending, approved or rejected");
        errors.take(if known { Ok(status) } else { Err(wrong()) })
    });
    let program = pairs.take("program").and_then(|id| {
        let wrong = |_| Field::new("program", "invalid_id", "a program's id, as prg_1");
        errors.take(id.parse().map_err(wrong))
    });
    let affiliate = pairs.take("affiliate").and_then(|id| {
        let wrong = |_| Field::new("affiliate", "invalid_id", "an affiliate's id, as aff_1");
        errors.take(id.parse().map_err(wrong))
    });
    let find = Find { id: None, status, program, affiliate };
    (find, cursor::take::<EnrolmentId>(pairs, errors))
}
