//! The closed, published lists of reasons: why a click does not count, why a conversion is refused.
//!
//! One enum serves code, metrics, stores and the partner's report alike. Codes are stored, so a
//! code is never given to another reason; the order of declaration is the published precedence:
//! where several apply, the first is the one recorded.

macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident = $code:literal $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$item])* $variant = $code,)+
        }

        impl $name {
            /// All, in order of precedence.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word in tables, JSON and metrics.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The number in events and blobs; never 0.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// From an event's number; `None` for 0 and for one this version does not know.
            pub const fn from_code(code: u32) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// From its word.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

reasons!(
    /// Why a click does not count as valid (`product.md` §5).
    Invalid {
        /// No link has this code.
        Orphan = 1 "orphan",
        /// The request could not be read as text.
        Malformed = 2 "malformed",
        /// The link's end had passed.
        Expired = 3 "expired",
        /// The link, its affiliate or its program was switched off.
        Disabled = 4 "disabled",
        /// On the program's list of addresses or countries it does not want.
        Blocked = 5 "blocked",
        /// A HEAD, or a browser fetching ahead.
        Prefetch = 6 "prefetch",
        /// A known robot by its user agent.
        Bot = 7 "bot",
        /// From a data center's network.
        Datacenter = 8 "datacenter",
        /// Through an open proxy.
        Proxy = 9 "proxy",
        /// More clicks in a short time than the program allows one visitor.
        Velocity = 10 "velocity",
        /// Over a cap of the link or program.
        Cap = 11 "cap",
    }
);

reasons!(
    /// Why a conversion is refused (`product.md` §6).
    Refusal {
        /// Sent unencrypted from another machine: its token could be read on the way.
        PlainHttp = 19 "plain_http",
        /// The request could not be read: encoding, control characters, lengths.
        Malformed = 1 "malformed",
        /// Neither a program nor a click says whose conversion this is.
        UnknownProgram = 2 "unknown_program",
        /// The token or signature is missing or wrong.
        BadToken = 3 "bad_token",
        /// Sent from an address the program does not list.
        IpNotAllowed = 4 "ip_not_allowed",
        /// The click id is not one of ours: altered, cut or made up.
        BadClickId = 5 "bad_click_id",
        /// The amount or its currency makes no money.
        BadAmount = 6 "bad_amount",
        /// The program has no such event.
        UnknownEvent = 7 "unknown_event",
        /// The program takes no conversions now.
        ProgramPaused = 8 "program_paused",
        /// No click: none was named, or the one named never came.
        UnknownClick = 9 "unknown_click",
        /// The click named lies in the dead letters.
        ClickUnresolved = 10 "click_unresolved",
        /// The click belongs to another program than the caller's.
        WrongProgram = 11 "wrong_program",
        /// The click was blocked.
        ClickBlocked = 12 "click_blocked",
        /// Longer after the click than the program's window.
        WindowExpired = 13 "window_expired",
        /// Sooner after the click than the program believes.
        TooFast = 14 "too_fast",
        /// More conversions in a short time than the program allows.
        Velocity = 15 "velocity",
        /// From a country the program does not take.
        BlockedGeo = 16 "blocked_geo",
        /// Over a cap.
        Cap = 17 "cap",
        /// This transaction already counts.
        DuplicateTxn = 18 "duplicate_txn",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_reads_back_from_its_code_and_its_word() {
        for &reason in Invalid::ALL {
            assert_eq!(Invalid::from_code(reason.code().into()), Some(reason));
            assert_eq!(Invalid::from_name(reason.name()), Some(reason));
        }
        for &reason in Refusal::ALL {
            assert_eq!(Refusal::from_code(reason.code().into()), Some(reason));
            assert_eq!(Refusal::from_name(reason.name()), Some(reason));
        }
        assert_eq!(Invalid::from_code(0), None);
    }
}
