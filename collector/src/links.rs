//! Links in memory: who asks for a code is answered from here and from nowhere else.
//!
//! Refuses to wait for a database: `feed` keeps the picture up to date behind the visitors' backs and
//! swaps it whole, `copy` keeps it on disk for a start without PostgreSQL.

pub mod rows;
mod block;
mod shelf;
mod desk;
mod snapshot;
mod copy;
pub mod feed;
mod sql;

pub use copy::{Copy, read as read_copy};
pub use desk::{Host, Program, Site};
pub use shelf::{Destination, Link};
pub use snapshot::{Builder, Changes, Links};

use arc_swap::ArcSwap;
use std::sync::Arc;

/// The picture all cores look at; the feed swaps it.
pub type Shared = Arc<ArcSwap<Links>>;
