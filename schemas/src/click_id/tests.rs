//! Forge, cut and alter a click id; rotate its key.

use super::*;
use proptest::prelude::*;

fn keys(versions: &[u8]) -> ClickKeys {
    let key = |&version: &u8| ClickKey::new(version, [version; 16], [version ^ 0x55; 16]);
    ClickKeys::new(versions.iter().map(key).collect()).expect("at least one key")
}

fn sample() -> ClickId {
    ClickId {
        key_version: 1,
        time_ms: 1_795_000_000_123,
        shard: 4095,
        journal: 0xfffff,
        seq: (1 << 40) - 1,
        link: u32::MAX,
    }
}

prop_compose! {
    fn ids()(time_ms in 0u64..1 << 42, shard in 0u16..4096, journal in 0u32..1 << 20,
             seq in 0u64..1 << 40, link in any::<u32>()) -> ClickId {
        ClickId { key_version: 1, time_ms, shard, journal, seq, link }
    }
}

proptest! {
    #[test]
    fn every_click_id_reads_back(id in ids()) {
        let token = keys(&[1]).signer().sign(&id).unwrap();
        prop_assert_eq!(token.as_str().len(), CHARS);
        prop_assert_eq!(keys(&[1]).verify(token.as_str()), Ok(id));
    }

    #[test]
    fn any_altered_bit_is_refused(id in ids(), bit in 0usize..BYTES * 8) {
        let token = keys(&[1]).signer().sign(&id).unwrap();
        let mut bytes = BASE64URL_NOPAD.decode(token.as_str().as_bytes()).unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(keys(&[1]).verify(&BASE64URL_NOPAD.encode(&bytes)).is_err());
    }

    #[test]
    fn any_text_is_refused_without_a_panic(text in ".{0,60}") {
        prop_assert!(keys(&[1]).verify(&text).is_err());
    }
}

#[test]
fn a_cut_or_lengthened_token_is_refused_by_its_shape() {
    let token = keys(&[1]).signer().sign(&sample()).unwrap().to_string();
    for text in [&token[..35], &format!("{token}A"), "", &token.replace(&token[4..5], "=")] {
        assert_eq!(keys(&[1]).verify(text), Err(InvalidClickId::Shape), "{text}");
    }
}

#[test]
fn a_token_of_a_rotated_key_still_verifies_and_the_newest_key_signs() {
    let old = keys(&[1]).signer().sign(&sample()).unwrap();
    let both = keys(&[2, 1]);
    assert_eq!(both.verify(old.as_str()), Ok(sample()));
    let new = both.signer().sign(&sample()).unwrap();
    assert_eq!(both.verify(new.as_str()).unwrap().key_version, 2);
    assert_eq!(keys(&[1]).verify(new.as_str()), Err(InvalidClickId::UnknownKey));
}

#[test]
fn another_installations_key_makes_a_forgery() {
    let theirs = ClickKey::new(1, [9; 16], [9; 16]).sign(&sample()).unwrap();
    assert_eq!(keys(&[1]).verify(theirs.as_str()), Err(InvalidClickId::Forged));
}

#[test]
fn neighbours_do_not_look_alike() {
    let signer = keys(&[1]);
    let one = signer.signer().sign(&sample()).unwrap().to_string();
    let next = ClickId { seq: sample().seq - 1, ..sample() };
    let two = signer.signer().sign(&next).unwrap().to_string();
    let same = one.bytes().zip(two.bytes()).skip(1).filter(|(a, b)| a == b).count();
    assert!(same < 10, "{one} {two}");
}

#[test]
fn a_field_too_large_for_its_bits_is_an_error() {
    for id in [
        ClickId { time_ms: 1 << 42, ..sample() },
        ClickId { shard: 4096, ..sample() },
        ClickId { journal: 1 << 20, ..sample() },
        ClickId { seq: 1 << 40, ..sample() },
    ] {
        assert_eq!(keys(&[1]).signer().sign(&id), Err(OutOfRange));
    }
}

#[test]
fn golden_token_reads_for_ever() {
    let token = keys(&[1]).signer().sign(&sample()).unwrap();
    assert_eq!(token.as_str(), "B75TYu82uA0pzylkss4UAMhM5xbxBkTCprWg");
}
