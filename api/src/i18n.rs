//! What a page says, in the language of the person who reads it.
//!
//! Messages live in `i18n/{en,fr}.ftl` (Fluent) and are written in each language, not translated
//! word by word. Refuses to know about requests: a language comes in as an argument.

mod format;
mod negotiate;

pub use format::Cash;
pub use negotiate::negotiate;

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;

const EN: &str = include_str!("i18n/en.ftl");
const FR: &str = include_str!("i18n/fr.ftl");
const COUNTRIES_EN: &str = include_str!("i18n/countries.en.ftl");
const COUNTRIES_FR: &str = include_str!("i18n/countries.fr.ftl");

static BUNDLES: LazyLock<[FluentBundle<FluentResource>; 2]> =
    LazyLock::new(|| [bundle("en", [EN, COUNTRIES_EN]), bundle("fr", [FR, COUNTRIES_FR])]);

/// A language the pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
}

impl Lang {
    /// Both, in the order of the switch.
    pub const ALL: [Self; 2] = [Self::En, Self::Fr];

    /// The tag in `lang=`, cookies and URLs.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
        }
    }

    /// From a tag; `None` for a language the pages are not written in.
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.tag() == tag)
    }

    /// Its name in itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Fr => "Français",
        }
    }
}

/// The voice of a page: says messages and writes numbers in one language.
#[derive(Debug, Clone, Copy, Default)]
pub struct Text {
    lang: Lang,
}

impl Text {
    /// The voice of a language.
    pub const fn new(lang: Lang) -> Self {
        Self { lang }
    }

    /// The language spoken.
    pub const fn lang(self) -> Lang {
        self.lang
    }

    /// A message without variables. A key nobody wrote is said as it stands (a test finds it).
    pub fn say(self, key: &str) -> String {
        self.format(key, None)
    }

    /// A message with one variable.
    pub fn say1(self, key: &str, name: &'static str, value: &str) -> String {
        self.say_all(key, &[(name, value)])
    }

    /// A message with several variables.
    pub fn say_all(self, key: &str, values: &[(&'static str, &str)]) -> String {
        let args: FluentArgs =
            values.iter().map(|(name, value)| (*name, FluentValue::from(*value))).collect();
        self.format(key, Some(&args))
    }

    /// A message about `n` things: the variable `n` chooses the form, `count` is how it is written.
    pub fn plural(self, key: &str, n: i64) -> String {
        let mut args = FluentArgs::new();
        args.set("n", n);
        args.set("count", self.number(n));
        self.format(key, Some(&args))
    }

    /// A message of `family` for a stored word, such as `reason-bot`; the word itself where none is
    /// written yet (a newer process may store a newer word).
    pub fn word(self, family: &str, word: &str) -> String {
        let key = format!("{family}-{}", word.replace('_', "-"));
        if self.knows(&key) { self.say(&key) } else { word.to_owned() }
    }

    /// Every country by its code, with its name.
    pub fn countries(self) -> Vec<(String, String)> {
        let codes = COUNTRIES_EN.lines().filter_map(|line| {
            let code = line.strip_prefix("country-")?.split(' ').next()?;
            Some((code.to_owned(), self.word("country", code)))
        });
        codes.collect()
    }

    /// Whether the key is written.
    pub fn knows(self, key: &str) -> bool {
        self.bundle().has_message(key)
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        &BUNDLES[usize::from(self.lang == Lang::Fr)]
    }

    fn format(self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let bundle = self.bundle();
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            return key.to_owned();
        };
        bundle.format_pattern(pattern, args, &mut Vec::new()).into_owned()
    }
}

fn bundle(tag: &str, sources: [&str; 2]) -> FluentBundle<FluentResource> {
    let language: LanguageIdentifier = tag.parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // What is put in comes escaped into a page whose direction it may not change; isolating marks
    // would only stand in the way of copying.
    bundle.set_use_isolating(false);
    for source in sources {
        // A file with a fault still gives what could be read; the test of the files refuses it.
        let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(part, _)| part);
        bundle.add_resource_overriding(resource);
    }
    bundle
}

#[cfg(test)]
mod tests;
