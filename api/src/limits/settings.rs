//! Rules set otherwise by whoever runs the machine: `sign_up=5/3600` for five in an hour.

use std::str::FromStr;

use super::{Lock, RULES, Rule};

/// One rule, set otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting(Rule);

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || format!("`{text}` is not of the form name=count/seconds, as sign_up=20/3600");
        let (name, rest) = text.split_once('=').ok_or_else(form)?;
        let (burst, seconds) = rest.split_once('/').ok_or_else(form)?;
        let known = RULES.iter().find(|rule| rule.name == name.trim());
        let known = known.ok_or_else(|| {
            let names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
            format!("no limit is called `{name}`; there are {}", names.join(", "))
        })?;
        let burst = burst.trim().parse::<u32>().ok().filter(|n| (1..=1_000_000).contains(n));
        let seconds = seconds.trim().parse::<i64>().ok().filter(|n| (1..=86_400).contains(n));
        let (burst, seconds) = burst.zip(seconds).ok_or_else(form)?;
        Ok(Self(Rule { burst, per_ms: seconds * 1000, ..*known }))
    }
}

/// All that are set otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings(Vec<Rule>);

impl Settings {
    /// Of some settings; the last one of a name counts.
    pub fn of(settings: &[Setting]) -> Self {
        Self(settings.iter().map(|setting| setting.0).collect())
    }

    pub(super) fn rule(&self, rule: Rule) -> Rule {
        self.0.iter().rev().find(|set| set.name == rule.name).copied().unwrap_or(rule)
    }

    pub(super) fn lock(&self, lock: Lock) -> Lock {
        let set = self.0.iter().rev().find(|set| set.name == lock.name);
        set.map_or(lock, |set| Lock { tries: set.burst, within_ms: set.per_ms, ..lock })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SIGN_UP, WRONG_PASSWORD};
    use super::*;

    #[test]
    fn a_rule_and_a_lock_are_set_by_their_names() {
        let set = ["sign_up=5/60", "wrong_password = 3/600", "sign_up=6/60"];
        let set = set.map(|text| text.replace(' ', "").parse().unwrap());
        let settings = Settings::of(&set);
        let rule = settings.rule(SIGN_UP);
        assert_eq!((rule.burst, rule.per_ms), (6, 60_000));
        let lock = settings.lock(WRONG_PASSWORD);
        assert_eq!((lock.tries, lock.within_ms, lock.locked_ms), (3, 600_000, 300_000));
    }

    #[test]
    fn what_is_no_setting_says_so() {
        for text in [
            "",
            "sign_up",
            "sign_up=5",
            "sign_up=0/60",
            "sign_up=5/0",
            "sign_up=-1/60",
            "sign_up=1e9/60",
        ] {
            assert!(text.parse::<Setting>().unwrap_err().contains("name=count/seconds"), "{text}");
        }
        assert!("signup=5/60".parse::<Setting>().unwrap_err().contains("sign_in_address"));
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
        assert_eq!(names.len(), RULES.len());
    }
}
