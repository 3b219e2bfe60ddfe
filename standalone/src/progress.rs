//! What a person sees while they wait: a spinner or a bar on a terminal, a line in a file.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Something is being waited for whose length nobody knows.
pub struct Waiting {
    bar: ProgressBar,
}

impl Waiting {
    /// Says what for. Without a terminal it is a line on standard error, once.
    #[must_use]
    pub fn show(what: &'static str) -> Self {
        if !std::io::stderr().is_terminal() {
            eprintln!("{what}");
            return Self { bar: ProgressBar::hidden() };
        }
        let bar = ProgressBar::new_spinner().with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar }
    }

    /// It is over: the line goes.
    pub fn done(self) {
        self.bar.finish_and_clear();
    }
}

/// A bar over a known number of things.
#[must_use]
pub fn bar(what: &'static str, total: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        eprintln!("{what}");
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total).with_message(what);
    if let Ok(style) =
        ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}")
    {
        bar.set_style(style);
    }
    bar
}
