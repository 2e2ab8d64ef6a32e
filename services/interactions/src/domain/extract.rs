//! What an extract of the log asks for that only the opened content of a contact tells.

use super::contact::Contact;

/// Conditions on what is sealed; each absent one fits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// A language; without a region it fits every region.
    pub language: Option<String>,
    /// An attribute and its value.
    pub tag: Option<(String, String)>,
}

impl Said {
    /// Whether a contact fits: as the search for the same finds it.
    #[must_use]
    pub fn fits(&self, contact: &Contact) -> bool {
        let spoken = &contact.content.hints.language;
        let attributes = &contact.content.attributes;
        self.language
            .as_deref()
            .is_none_or(|wanted| speaks(spoken, wanted))
            && self.tag.as_ref().is_none_or(|(key, wanted)| {
                attributes
                    .get(key)
                    .is_some_and(|value| value.expose() == wanted)
            })
    }
}

fn speaks(spoken: &str, wanted: &str) -> bool {
    let main = spoken.split('-').next().unwrap_or_default();
    spoken.eq_ignore_ascii_case(wanted) || main.eq_ignore_ascii_case(wanted)
}

#[cfg(test)]
mod tests {
    use super::speaks;

    #[test]
    fn a_language_without_a_region_fits_every_region() {
        assert!(speaks("en-GB", "EN") && speaks("en-GB", "en-gb") && speaks("id", "id"));
        assert!(!speaks("en", "en-GB") && !speaks("", "en") && !speaks("eng", "en"));
    }
}
