//! Databases made here, record by record, in MaxMind's format.

use std::{net::IpAddr, path::PathBuf};

use super::{Place, Places};
use crate::{error::Error, lookup::words::Words};

/// A database with one network, 192.0.2.0/24 or 2001:db8::/32, and what it says of it.
struct Made {
    folder: tempfile::TempDir,
}

impl Made {
    fn new(kind: &str, record: &[u8]) -> Self {
        let made = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(made.path(), database(kind, record)).unwrap();
        made
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("places.mmdb")
    }
}

fn text(text: &str) -> Vec<u8> {
    [&[0x40 | text.len() as u8], text.as_bytes()].concat()
}

fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![0xe0 | pairs.len() as u8];
    for (key, value) in pairs {
        bytes.extend(text(key));
        bytes.extend(value);
    }
    bytes
}

fn number(value: u32) -> Vec<u8> {
    [&[0xc4_u8], value.to_be_bytes().as_slice()].concat()
}

/// A tree of 24-bit records along the one network's bits (an IPv4 address lies under ::/96).
fn database(kind: &str, record: &[u8]) -> Vec<u8> {
    let network: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 0];
    let depth = 120_u32;
    let mut bytes = Vec::new();
    for bit in 0..depth {
        let taken = network[bit as usize / 8] >> (7 - bit % 8) & 1;
        let next = if bit + 1 == depth { depth + 16 } else { bit + 1 };
        let pair = if taken == 0 { [next, depth] } else { [depth, next] };
        pair.iter().for_each(|side| bytes.extend(&side.to_be_bytes()[1..]));
    }
    bytes.extend([0; 16]);
    bytes.extend(record);
    bytes.extend(b"\xab\xcd\xefMaxMind.com");
    bytes.extend(map(&[
        ("binary_format_major_version", vec![0xa1, 2]),
        ("binary_format_minor_version", vec![0xa1, 0]),
        ("build_epoch", vec![0x01, 0x02, 1]),
        ("database_type", text(kind)),
        ("description", map(&[])),
        ("ip_version", vec![0xa1, 6]),
        ("languages", vec![0x00, 0x04]),
        ("node_count", number(depth)),
        ("record_size", vec![0xa1, 24]),
    ]));
    bytes
}

fn country() -> Vec<u8> {
    map(&[("country", map(&[("iso_code", text("FR"))]))])
}

fn at(places: &mut Places, address: &str, words: &mut Words) -> [String; 3] {
    let address: IpAddr = address.parse().unwrap();
    let place = places.of(address, words);
    assert_eq!(places.of(address, words), place, "met again");
    [place.country, place.region, place.city].map(|word| words.text(word).to_owned())
}

#[test]
fn an_address_has_the_country_of_its_network_and_else_none() {
    let made = Made::new("Example-Country", &country());
    let (mut places, mut words) = (Places::open(&made.path()).unwrap(), Words::default());
    assert_eq!(at(&mut places, "192.0.2.7", &mut words), ["FR", "", ""]);
    assert_eq!(at(&mut places, "192.0.3.7", &mut words), ["", "", ""]);
    assert_eq!(at(&mut places, "2001:db8::1", &mut words), ["", "", ""]);
    words.restart();
    places.forget();
    assert_eq!(at(&mut places, "192.0.2.7", &mut words), ["FR", "", ""]);
}

#[test]
fn a_city_database_gives_region_and_city_in_english() {
    let names = |name: &str| map(&[("names", map(&[("en", text(name)), ("fr", text("non"))]))]);
    let region = [&[0x01, 0x04], names("Île-de-France").as_slice()].concat();
    let country = map(&[("iso_code", text("FR"))]);
    let record = map(&[("city", names("Paris")), ("country", country), ("subdivisions", region)]);
    let made = Made::new("DBIP-City-Lite", &record);
    let (mut places, mut words) = (Places::open(&made.path()).unwrap(), Words::default());
    assert_eq!(at(&mut places, "192.0.2.7", &mut words), ["FR", "Île-de-France", "Paris"]);
    assert_eq!(places.of("198.51.100.1".parse().unwrap(), &mut words), Place::default());
}

#[test]
fn flat_records_are_read_as_well() {
    let record = map(&[
        ("city", text("Paris")),
        ("country_code", text("FR")),
        ("state1", text("Île-de-France")),
    ]);
    let made = Made::new("city ipvAll", &record);
    let (mut places, mut words) = (Places::open(&made.path()).unwrap(), Words::default());
    assert_eq!(at(&mut places, "192.0.2.7", &mut words), ["FR", "Île-de-France", "Paris"]);
    let made = Made::new("country ipvAll", &map(&[("country_code", text("DE"))]));
    let mut places = Places::open(&made.path()).unwrap();
    assert_eq!(at(&mut places, "192.0.2.7", &mut words), ["DE", "", ""]);
}

#[test]
fn a_file_that_is_no_database_of_places_says_so() {
    let made = Made::new("Example-ASN", &country());
    let refused = Places::open(&made.path()).map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("holds no countries"), "{refused}");
    std::fs::write(made.path(), "no database").unwrap();
    assert!(matches!(Places::open(&made.path()), Err(Error::Geography { .. })));
    assert!(matches!(Places::open("/nowhere.mmdb".as_ref()), Err(Error::Geography { .. })));
}
