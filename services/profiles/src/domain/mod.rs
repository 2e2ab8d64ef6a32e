//! Types that cannot be wrong, and the decisions as plain functions: nothing here waits, stores or reads a clock.

pub mod customer;
pub mod edge;
pub mod identifier;
pub mod merge;
pub mod preferences;
pub mod resolve;
pub mod view;

/// An enumeration that is stored by the number its contract gives it.
macro_rules! coded {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number it is stored and sent by.
            #[must_use]
            pub const fn code(self) -> i16 {
                match self {
                    $(Self::$variant => $code,)*
                }
            }

            /// The value with this number.
            #[must_use]
            pub fn from_code(code: i16) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.code() == code)
            }
        }
    };
}
pub(crate) use coded;
