//! A picture of a person. What comes in is a stranger's file: it is decoded within limits and drawn anew, so that nothing of
//! it goes out but its colours: no place where it was taken, no script, no second file behind the first.

use image::{
    DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage,
    codecs::jpeg::JpegEncoder, imageops::FilterType,
};
use std::io::Cursor;

/// A file has at most so many bytes.
pub const MOST_BYTES: usize = 1 << 20;
/// And so many points.
const MOST_POINTS: u64 = 4_000_000;
/// What decoding may take, in bytes.
const MOST_MEMORY: u64 = 64 << 20;
/// The side of what is kept.
const SIDE: u32 = 256;
const QUALITY: u8 = 85;

/// Why a file is no picture of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No PNG, JPEG or WebP, or a broken one.
    #[error("not a PNG, JPEG or WebP")]
    Unknown,
    /// More bytes or points than are taken.
    #[error("more than 1 MB or 4 million points")]
    TooLarge,
}

/// A square JPEG of 256 points.
///
/// # Errors
/// See [`Refused`].
pub fn redraw(bytes: &[u8]) -> Result<Vec<u8>, Refused> {
    if bytes.len() > MOST_BYTES {
        return Err(Refused::TooLarge);
    }
    let (width, height) = reader(bytes)?.into_dimensions().map_err(|_| Refused::Unknown)?;
    if u64::from(width) * u64::from(height) > MOST_POINTS {
        return Err(Refused::TooLarge);
    }
    let mut decoder = reader(bytes)?.into_decoder().map_err(|_| Refused::Unknown)?;
    let orientation = decoder.orientation().map_err(|_| Refused::Unknown)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|_| Refused::Unknown)?;
    picture.apply_orientation(orientation);
    let square = picture.resize_to_fill(SIDE, SIDE, FilterType::Triangle).to_rgba8();
    // What is seen through is white.
    let canvas = RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let [r, g, b, a] = square.get_pixel(x, y).0;
        Rgb([r, g, b].map(|colour| over_white(colour, a)))
    });
    let mut drawn = Vec::new();
    let encoded = JpegEncoder::new_with_quality(&mut drawn, QUALITY).encode_image(&canvas);
    encoded.map_err(|_| Refused::Unknown)?;
    Ok(drawn)
}

fn over_white(colour: u8, alpha: u8) -> u8 {
    let (colour, alpha) = (u32::from(colour), u32::from(alpha));
    u8::try_from((colour * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
}

fn reader(bytes: &[u8]) -> Result<ImageReader<Cursor<&[u8]>>, Refused> {
    let format = image::guess_format(bytes).map_err(|_| Refused::Unknown)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP) {
        return Err(Refused::Unknown);
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    Ok(reader)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let picture = DynamicImage::new_rgba8(width, height);
        picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        bytes
    }

    #[test]
    fn a_picture_is_drawn_anew_as_a_square() {
        for (width, height) in [(1, 1), (300, 20), (1000, 1000)] {
            let mut file = png(width, height);
            // What stands behind it does not come along.
            file.extend_from_slice(b"<script>alert(1)</script>");
            let drawn = redraw(&file).unwrap();
            let read = image::load_from_memory_with_format(&drawn, ImageFormat::Jpeg).unwrap();
            assert_eq!((read.width(), read.height()), (256, 256));
            assert!(!drawn.windows(7).any(|part| part == b"<script"));
            assert_eq!(read.to_rgb8().get_pixel(9, 9).0, [255; 3], "seen through is white");
        }
    }

    #[test]
    fn what_is_none_or_too_large_is_refused() {
        let svg = br#"<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"#;
        let gif = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;";
        let mut broken = png(50, 50);
        broken.truncate(60);
        // A file of a few bytes that says it is 20,000 by 20,000.
        let mut bomb = png(1, 1);
        bomb[16..24].copy_from_slice(&[0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20]);
        for file in [&b""[..], svg, gif, &broken] {
            assert_eq!(redraw(file), Err(Refused::Unknown));
        }
        assert!(redraw(&bomb).is_err());
        assert_eq!(redraw(&png(2001, 2000)), Err(Refused::TooLarge));
        assert_eq!(redraw(&vec![0; MOST_BYTES + 1]), Err(Refused::TooLarge));
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(at in 0_usize..200, byte: u8, rest in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut file = png(8, 8);
            let at = at % file.len();
            file[at] = byte;
            file.extend_from_slice(&rest);
            let _ = redraw(&file);
            let _ = redraw(&rest);
        }
    }
}
