//! States a person meets: of a conversion and of a commission, as they stand on the wire.

/// Where a conversion stands (`product.md` §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConversionStatus {
    /// Accepted, waiting for a decision of the program or the end of the hold.
    Pending,
    /// Confirmed.
    Approved,
    /// Turned down by a person or a rule.
    Rejected,
    /// Refused by the pipeline: stored with its reason, earns nothing.
    Invalid,
}

impl ConversionStatus {
    /// The word in tables, URLs and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Invalid => "invalid",
        }
    }
}

/// How a conversion came in; the number is `Conversion.via`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Via {
    /// `/postback`, server to server.
    Postback = 1,
    /// `/pixel.gif`, from a browser.
    Pixel = 2,
    /// `/t.js`, from a browser.
    Script = 3,
    /// `POST /v1/events`.
    Api = 4,
    /// A file.
    Import = 5,
}

impl Via {
    /// The word in tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postback => "postback",
            Self::Pixel => "pixel",
            Self::Script => "script",
            Self::Api => "api",
            Self::Import => "import",
        }
    }

    /// From `Conversion.via`; `None` for a number this version does not know.
    pub const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Postback),
            2 => Some(Self::Pixel),
            3 => Some(Self::Script),
            4 => Some(Self::Api),
            5 => Some(Self::Import),
            _ => None,
        }
    }

    /// Whether a browser sent it, so that anybody could have.
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Pixel | Self::Script)
    }
}
