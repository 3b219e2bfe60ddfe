//! End to end: the real binary, its real stores, the real log, and processes killed in between. What
//! the API says must be what an independent count of the log says, to the unit, and the audit clean.

mod harness;
mod import;
mod play;
mod cluster;
mod faults;
