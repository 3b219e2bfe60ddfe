//! Browsers as they are in the wild.

use std::cell::RefCell;

use proptest::test_runner::TestRunner;

use super::{Agent, Agents};
use crate::lookup::words::Words;

/// (agent, device, os, browser)
pub(crate) const BROWSERS: [(&str, &str, &str, &str); 12] = [
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        "desktop",
        "Windows",
        "Chrome",
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
        "desktop",
        "macOS",
        "Safari",
    ),
    (
        "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
        "desktop",
        "Linux",
        "Firefox",
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36 Edg/125.0.0.0",
        "desktop",
        "Windows",
        "Edge",
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
        "mobile",
        "iOS",
        "Safari",
    ),
    (
        "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1",
        "tablet",
        "iOS",
        "Safari",
    ),
    (
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Mobile Safari/537.36",
        "mobile",
        "Android",
        "Chrome",
    ),
    (
        "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36",
        "tablet",
        "Android",
        "Chrome",
    ),
    (
        "Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/24.0 Chrome/117.0.0.0 Mobile Safari/537.36",
        "mobile",
        "Android",
        "SamsungBrowser",
    ),
    (
        "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
        "desktop",
        "Windows",
        "Internet Explorer",
    ),
    (
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36",
        "desktop",
        "ChromeOS",
        "Chrome",
    ),
    (
        "Mozilla/5.0 (PlayStation 4 3.11) AppleWebKit/537.73 (KHTML, like Gecko)",
        "console",
        "PlayStation 4",
        "PlayStation 4",
    ),
];

fn read(agent: &str) -> (Agent, [String; 3]) {
    let (mut agents, mut words) = (Agents::new(), Words::default());
    let first = agents.of(agent, &mut words);
    assert_eq!(agents.of(agent, &mut words), first, "met again");
    let text = |word| words.text(word).to_owned();
    (first, [text(first.device), text(first.os), text(first.browser)])
}

#[test]
fn browsers_show_device_system_and_name() {
    for (agent, device, os, browser) in BROWSERS {
        let (read, words) = read(agent);
        assert_eq!(words, [device, os, browser], "{agent}");
        assert!(!read.bot);
    }
}

#[test]
fn a_robot_is_a_bot_whatever_it_claims_to_run_on() {
    let (read, [device, ..]) = read(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 8_3 like Mac OS X) AppleWebKit/600.1.4 (KHTML, like Gecko) Version/8.0 Mobile/12F70 Safari/600.1.4 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    );
    assert!(read.bot);
    assert_eq!(device, "bot");
}

#[test]
fn an_agent_nobody_knows_shows_nothing() {
    let (read, words) = read("Frobnicator \u{0} 日本 1.0");
    assert!(!read.bot);
    assert_eq!(words, ["", "", ""]);
}

#[test]
fn no_agent_stops_the_processor() {
    let agents = RefCell::new((Agents::new(), Words::default()));
    let parts = "(Mozilla/5.0|Opera|DoCoMo|KDDI|Windows|[ ;/().]|\\PC){0,40}";
    let read = |agent: String| {
        let (agents, words) = &mut *agents.borrow_mut();
        agents.of(&agent, words);
        Ok(())
    };
    TestRunner::default().run(&parts, read).unwrap();
}
