//! Ids that a contact quotes: of a conversation, of a ticket, or the token that answers carry in their subject.

use rapport_foundation::id::{ConversationId, TicketId, TypedId};

use super::contact::Contact;
use super::privacy;

/// What a contact names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quoted {
    /// A conversation: `cnv_…`, or `[#…]` with what stands behind the underscore.
    Conversation(ConversationId),
    /// A ticket: `tkt_…`.
    Ticket(TicketId),
}

/// Ids of one contact that count: who quotes more forwards a list.
const MOST: usize = 8;
/// Bytes of one text that are looked through.
const TEXT: usize = 100_000;
/// Characters behind the underscore.
const SUFFIX: usize = 26;

/// What a contact names, in the order of its texts, each once.
#[must_use]
pub fn quoted(contact: &Contact) -> Vec<Quoted> {
    let mut found = Vec::new();
    for text in privacy::texts(&contact.content) {
        for one in in_text(text.body) {
            if !found.contains(&one) && found.len() < MOST {
                found.push(one);
            }
        }
    }
    found
}

fn in_text(text: &str) -> impl Iterator<Item = Quoted> + '_ {
    let end = text.floor_char_boundary(TEXT);
    let text = &text[..end];
    let places = text.match_indices(['_', '#']).map(|(at, _)| at);
    places.filter_map(|at| at_mark(text, at))
}

/// What is quoted around the underscore of an id, or behind the hash of a token.
fn at_mark(text: &str, at: usize) -> Option<Quoted> {
    let suffix = text.get(at + 1..at + 1 + SUFFIX)?;
    let ends = !text[at + 1 + SUFFIX..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
    if !ends {
        return None;
    }
    if text.as_bytes().get(at) == Some(&b'#') {
        let framed = text[..at].ends_with('[') && text[at + 1 + SUFFIX..].starts_with(']');
        return framed
            .then(|| id::<ConversationId>(suffix))
            .flatten()
            .map(Quoted::Conversation);
    }
    let start = at.checked_sub(3)?;
    let prefix = text.get(start..at)?;
    if text[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
        return None;
    }
    match prefix {
        ConversationId::PREFIX => id(suffix).map(Quoted::Conversation),
        TicketId::PREFIX => id(suffix).map(Quoted::Ticket),
        _ => None,
    }
}

fn id<I: TypedId>(suffix: &str) -> Option<I> {
    I::parse(&format!("{}_{suffix}", I::PREFIX)).ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::content::tests::message;
    use super::*;

    const SUFFIX_OF_ONE: &str = "01h455vb4pex5vsknk084sn02q";

    #[test]
    fn ids_are_found_wherever_they_stand_and_half_of_one_is_none() {
        let s = SUFFIX_OF_ONE;
        let conversation = Quoted::Conversation(id(s).unwrap());
        let ticket = Quoted::Ticket(id(s).unwrap());
        for (text, expected) in [
            (format!("about tkt_{s}."), vec![ticket]),
            (format!("Re: [#{s}] my order"), vec![conversation]),
            (format!("(cnv_{s}) and again cnv_{s}"), vec![conversation]),
            (format!("https://desk/tickets/tkt_{s}?x=1"), vec![ticket]),
            (format!("halo é tkt_{s}é"), vec![]),
            (format!("xtkt_{s}"), vec![]),
            (format!("tkt_{s}q"), vec![]),
            (format!("cus_{s}"), vec![]),
            (format!("#{s}"), vec![]),
            (format!("[#{s}"), vec![]),
            ("tkt_01h455vb4pex5vsknk084sn0".to_owned(), vec![]),
            ("_".to_owned(), vec![]),
        ] {
            assert_eq!(quoted(&message(&text)), expected, "{text}");
        }
        let mut contact = message("nothing");
        contact.content.subject = format!("[#{s}]").into();
        assert_eq!(quoted(&contact), [conversation]);
    }

    #[test]
    fn a_list_of_ids_is_cut() {
        let many: String = (10..40)
            .map(|n| format!("tkt_01h455vb4pex5vsknk084sn0{n} "))
            .collect();
        assert_eq!(quoted(&message(&many)).len(), MOST);
    }
}
