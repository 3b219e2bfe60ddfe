//! Which language a browser asks for (`Accept-Language`, RFC 9110 §12.5.4).

use super::Lang;

/// The first of our languages in the order of the header's weights; English where none is ours.
pub fn negotiate(header: &str) -> Lang {
    let mut best = (0, Lang::En);
    for range in header.split(',').take(32) {
        let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
        let primary = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
        let weight = permille(weight.trim());
        if let Some(lang) = Lang::from_tag(&primary).filter(|_| weight > best.0) {
            best = (weight, lang);
        }
    }
    best.1
}

/// `q=0.8` as 800; 0 for what is no weight.
fn permille(weight: &str) -> u16 {
    let Some(number) = weight.strip_prefix("q=") else { return 0 };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let decimals: String = decimals.chars().chain("000".chars()).take(3).collect();
    match (whole, decimals.parse::<u16>()) {
        ("1", _) => 1000,
        ("0", Ok(part)) => part,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_of_our_languages_wins() {
        for (header, lang) in [
            ("", Lang::En),
            ("de", Lang::En),
            ("fr-FR,fr;q=0.9,en;q=0.8", Lang::Fr),
            ("de;q=1, en;q=0.4, fr;q=0.5", Lang::Fr),
            ("en-GB, fr;q=0.9", Lang::En),
            ("fr;q=0, en;q=0.1", Lang::En),
            ("fr;q=x", Lang::En),
        ] {
            assert_eq!(negotiate(header), lang, "{header}");
        }
    }
}
