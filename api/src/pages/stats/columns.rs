//! The numbers of a row, once for the page and once for the file, so that both say the same.

use crate::{
    i18n::Text,
    queries::stats::{Metric, Report, Row, Sums},
};
use schemas::money::{Currency, Money, decimal};

/// A column of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Column {
    Gross,
    Unique,
    Duplicate,
    Invalid,
    Conversions,
    Refused,
    Cvr,
    /// Value of the orders, in a currency.
    Sales(String),
    /// Commissions, in a currency.
    Payout(String),
    /// Commission by valid click, in a currency.
    Epc(String),
}

impl Column {
    /// Those a report can fill, each currency with its own.
    pub(super) fn of(report: &Report) -> Vec<Self> {
        let mut columns = Vec::new();
        if report.totals.clicks.is_some() {
            columns.extend([Self::Gross, Self::Unique, Self::Duplicate, Self::Invalid]);
        }
        let Some(conversions) = &report.totals.conversions else { return columns };
        columns.extend([Self::Conversions, Self::Refused]);
        if report.totals.clicks.is_some() {
            columns.push(Self::Cvr);
        }
        for sums in &conversions.money {
            let currency = || sums.currency.clone();
            columns.extend([Self::Sales(currency()), Self::Payout(currency())]);
            if report.totals.clicks.is_some() {
                columns.push(Self::Epc(currency()));
            }
        }
        columns
    }

    /// Its heading.
    pub(super) fn heading(&self, t: Text, several: bool) -> String {
        let (key, currency) = match self {
            Self::Gross => ("metric-clicks", None),
            Self::Unique => ("metric-uniques", None),
            Self::Duplicate => ("metric-duplicates", None),
            Self::Invalid => ("metric-invalid", None),
            Self::Conversions => ("metric-conversions", None),
            Self::Refused => ("metric-refused", None),
            Self::Cvr => ("metric-cvr", None),
            Self::Sales(currency) => ("metric-amount", Some(currency)),
            Self::Payout(currency) => ("metric-commission", Some(currency)),
            Self::Epc(currency) => ("metric-epc", Some(currency)),
        };
        match currency.filter(|_| several) {
            Some(currency) => format!("{} {currency}", t.say(key)),
            None => t.say(key),
        }
    }

    /// Its word in `order=`; empty where it cannot be sorted by.
    pub(super) fn order(&self) -> String {
        match self {
            Self::Gross => name(Metric::Gross),
            Self::Unique => name(Metric::Unique),
            Self::Duplicate => name(Metric::Duplicate),
            Self::Invalid => name(Metric::Invalid),
            Self::Conversions => name(Metric::Conversions),
            Self::Refused => name(Metric::Refused),
            Self::Cvr => name(Metric::Cvr),
            Self::Sales(code) => code.parse().map(|it| name(Metric::Sales(it))).unwrap_or_default(),
            Self::Payout(code) => {
                code.parse().map(|it| name(Metric::Payout(it))).unwrap_or_default()
            }
            Self::Epc(_) => String::new(),
        }
    }

    /// A row's number as people read it.
    pub(super) fn written(&self, t: Text, row: &Row) -> String {
        let valid = row.clicks.map_or(0, |clicks| clicks.valid());
        match self {
            Self::Cvr => match valid {
                0 => "–".to_owned(),
                valid => t.share(row.conversions.as_ref().map_or(0, |c| c.accepted), valid),
            },
            Self::Sales(currency) | Self::Payout(currency) | Self::Epc(currency) => self
                .units(row)
                .map_or("–".to_owned(), |units| t.money(units, currency).to_string()),
            _ => t.number(self.count(row)),
        }
    }

    /// A row's number as a sheet reads it.
    pub(super) fn plain(&self, row: &Row) -> String {
        match self {
            Self::Cvr => row.cvr().map(|share| format!("{share:.6}")).unwrap_or_default(),
            Self::Sales(currency) | Self::Payout(currency) | Self::Epc(currency) => {
                let Ok(known) = currency.parse::<Currency>() else { return String::new() };
                let minor = |units| decimal(Money::from_units(units, known).minor(), known);
                self.units(row).map(minor).unwrap_or_default()
            }
            _ => self.count(row).to_string(),
        }
    }

    /// A count; 0 for what is no count.
    pub(super) fn count(&self, row: &Row) -> i64 {
        let clicks = row.clicks.unwrap_or_default();
        let conversions = row.conversions.as_ref();
        match self {
            Self::Gross => clicks.gross,
            Self::Unique => clicks.unique,
            Self::Duplicate => clicks.duplicate,
            Self::Invalid => clicks.invalid,
            Self::Conversions => conversions.map_or(0, |conversions| conversions.accepted),
            Self::Refused => conversions.map_or(0, |conversions| conversions.refused),
            _ => 0,
        }
    }

    fn units(&self, row: &Row) -> Option<i64> {
        let find = |wanted: &str| -> Option<&Sums> {
            row.conversions.as_ref()?.money.iter().find(|sums| sums.currency == wanted)
        };
        match self {
            Self::Sales(currency) => Some(find(currency).map_or(0, |sums| sums.sales_units)),
            Self::Payout(currency) => Some(find(currency).map_or(0, |sums| sums.payout_units)),
            Self::Epc(currency) => match find(currency) {
                Some(sums) => sums.epc_units(row.clicks),
                None => row.clicks.filter(|clicks| clicks.valid() > 0).map(|_| 0),
            },
            _ => None,
        }
    }
}

/// A number's word in `order=`.
pub(super) fn name(metric: Metric) -> String {
    match metric {
        Metric::Gross => "gross".to_owned(),
        Metric::Unique => "unique".to_owned(),
        Metric::Duplicate => "duplicate".to_owned(),
        Metric::Invalid => "invalid".to_owned(),
        Metric::Impressions => "impressions".to_owned(),
        Metric::Conversions => "conversions".to_owned(),
        Metric::Refused => "refused".to_owned(),
        Metric::Cvr => "cvr".to_owned(),
        Metric::Sales(currency) => format!("sales.{}", currency.code()),
        Metric::Payout(currency) => format!("payout.{}", currency.code()),
    }
}
