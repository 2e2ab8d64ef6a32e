//! What a call touched: the ids of resources it named, and how many they were. A service tells it in a trailer, the
//! gateway takes it out and writes it into the audit trail.
//!
//! Only ids of ours are ever kept. Whatever else a caller puts into a field for one, a name or an address, leaves no
//! trace here.

use std::fmt::Write as _;

use http::HeaderValue;
use rapport_proto::touched::Collector;

use crate::id::AnyId;

/// The trailer.
pub const TRAILER: &str = "x-rapport-touched";

/// The most bytes of the trailer: headers of a call are bounded, and its status needs room beside it.
pub const LONGEST_BYTES: usize = 4096;

/// The most ids that are named. With prefix, underscore and comma each takes 31 bytes; the count takes the rest.
pub const MOST_IDS: usize = 128;

/// Ids of resources, each once, in the order they were met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    ids: Vec<AnyId>,
    /// How many there were. Once no more are kept one that comes again counts again.
    count: u64,
}

impl Touched {
    /// The ids that were kept.
    #[must_use]
    pub fn ids(&self) -> &[AnyId] {
        &self.ids
    }

    /// How many resources were named, kept or not.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether there were more than were kept.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.count > self.ids.len() as u64
    }

    /// The text of the trailer: `n=2;cus_…,int_…`.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        let mut text = String::with_capacity(24 + self.ids.len() * 31);
        // Writing into a string cannot fail.
        let _ = write!(text, "n={};", self.count);
        for (at, id) in self.ids.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let _ = write!(text, "{comma}{id}");
        }
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("n=0;"))
    }

    /// Reads the trailer; none when it is not one of ours.
    #[must_use]
    pub fn read(header: &HeaderValue) -> Option<Self> {
        let text = header.to_str().ok()?;
        if text.len() > LONGEST_BYTES {
            return None;
        }
        let (count, list) = text.strip_prefix("n=")?.split_once(';')?;
        let ids = list.split(',').filter(|id| !id.is_empty());
        let ids: Vec<AnyId> = ids.map(AnyId::parse).collect::<Option<_>>()?;
        let count = count.parse().ok()?;
        (ids.len() <= MOST_IDS && count >= ids.len() as u64).then_some(Self { ids, count })
    }
}

impl Collector for Touched {
    fn note(&mut self, id: &str) {
        let Some(id) = AnyId::parse(id) else {
            return;
        };
        if self.ids.contains(&id) {
            return;
        }
        self.count += 1;
        if self.ids.len() < MOST_IDS {
            self.ids.push(id);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::{CustomerId, InteractionId};
    use crate::time::Micros;

    #[test]
    fn each_resource_is_named_once_and_the_trailer_is_read_as_it_was_written() {
        let (customer, interaction) = (
            CustomerId::new(Micros(1)).to_string(),
            InteractionId::new(Micros(1)).to_string(),
        );
        let mut touched = Touched::default();
        for id in [&customer, &interaction, &customer] {
            touched.note(id);
        }
        let header = touched.header();
        assert_eq!(header, format!("n=2;{customer},{interaction}"));
        assert_eq!(Touched::read(&header), Some(touched));
        let nothing = Touched::default();
        assert_eq!(nothing.header(), "n=0;");
        assert_eq!(Touched::read(&nothing.header()), Some(nothing));
    }

    #[test]
    fn more_than_fit_are_counted_and_the_trailer_stays_small() {
        let mut touched = Touched::default();
        for _ in 0..5000 {
            touched.note(&CustomerId::new(Micros(1)).to_string());
        }
        assert_eq!(touched.count(), 5000);
        assert!(touched.is_truncated());
        let widest = Touched {
            count: u64::MAX,
            ..touched.clone()
        };
        assert!(widest.header().len() <= LONGEST_BYTES);
        assert_eq!(Touched::read(&touched.header()), Some(touched));
    }

    #[test]
    fn a_trailer_that_is_not_ours_is_not_believed() {
        let id = CustomerId::new(Micros(1));
        for text in [
            String::new(),
            "n=1".into(),
            "n=x;".into(),
            format!("n=0;{id}"),
            "n=1;Ada Lovelace".into(),
            format!("n=129;{}", vec![id.to_string(); 129].join(",")),
        ] {
            let header = HeaderValue::try_from(&text).unwrap();
            assert_eq!(Touched::read(&header), None, "{text}");
        }
    }

    proptest! {
        /// Texts of any kind, and such as look nearly like an id.
        #[test]
        fn nothing_but_ids_ever_gets_in(text in "\\PC{0,64}|[a-z]{2,4}_[0-9a-zA-Z]{24,28}") {
            let mut touched = Touched::default();
            touched.note(&text);
            let well_formed = AnyId::parse(&text).is_some_and(|id| id.to_string() == text);
            prop_assert_eq!(touched.count() == 1, well_formed);
            prop_assert!(well_formed || touched.header() == "n=0;");
        }
    }
}
