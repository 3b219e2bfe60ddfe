//! Against a real broker.

mod topics;
