//! Where a visitor is sent: a stored destination, its macros filled in (`product.md` §4).
//!
//! Refuses to let anything a visitor sent choose a scheme, a host or a header: macros stand behind
//! the authority only, what fills them is percent-encoded, and the result is looked at again.

mod fill;

pub use fill::{Facts, Unfit, Visit, fill};
pub use schemas::destination::{InvalidDestination, Template, asks_for_visit, compile};

#[cfg(test)]
mod tests;
