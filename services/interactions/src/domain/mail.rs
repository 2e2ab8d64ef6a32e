//! What threads mails: the ids they give themselves and name, in the forms that RFC 5322 allows, and for whom.

use rapport_foundation::personal::Personal;

use super::code::Side;
use super::contact::{Contact, Identifier};

/// The headers of a mail that thread it, as the connector gave them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mail {
    /// Message-ID; empty when not given.
    pub message_id: Personal,
    /// In-Reply-To.
    pub in_reply_to: Vec<Personal>,
    /// References, the oldest first.
    pub references: Vec<Personal>,
}

/// Participants whose mails of this id it is at most: a mail to more is no matter of one customer.
const PEOPLE: usize = 8;
/// Ids of In-Reply-To that count.
const ANSWERED: usize = 10;
/// Ids of References that count: the oldest, which began it all, and the newest.
const REFERENCES: usize = 20;
/// Bytes of one id. RFC 5322 has no longer line.
const LONGEST: usize = 998;

impl Mail {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.message_id.expose().is_empty()
            && self.in_reply_to.is_empty()
            && self.references.is_empty()
    }
}

/// What a contact is found by, and finds others by: the best first, each once. Every one names a participant as well:
/// a mail that was sent to thousands under one id makes no conversation of all who answer. Holds personal data: keep
/// only keyed hashes.
#[must_use]
pub fn clues(contact: &Contact) -> Vec<String> {
    let mail = &contact.content.mail;
    if mail.is_empty() {
        return Vec::new();
    }
    let customer = contact.customer().and_then(|one| one.identifier.as_ref());
    let customer = customer.map(Identifier::normalised).unwrap_or_default();
    let mut clues: Vec<String> = Vec::new();
    let mut note = |who: &str, id: &str| {
        let clue = format!("{who}\n{id}");
        if !clues.contains(&clue) {
            clues.push(clue);
        }
    };
    for clue in own(contact) {
        if let Some((who, id)) = clue.rsplit_once('\n') {
            note(who, id);
        }
    }
    let all = |list: &[Personal]| -> Vec<String> {
        list.iter().flat_map(|one| ids(one.expose())).collect()
    };
    for id in all(&mail.in_reply_to).iter().take(ANSWERED) {
        note(&customer, id);
    }
    let references = all(&mail.references);
    let newest = references.iter().rev().take(REFERENCES - 1);
    for id in newest.chain(references.first()) {
        note(&customer, id);
    }
    clues
}

/// What a mail is found by itself.
#[must_use]
pub fn own(contact: &Contact) -> Vec<String> {
    let Some(own) = ids(contact.content.mail.message_id.expose()).next() else {
        return Vec::new();
    };
    let customer = contact.customer().and_then(|one| one.identifier.as_ref());
    let customer = customer.map(Identifier::normalised).unwrap_or_default();
    let people = std::iter::once(customer).chain(others(contact));
    people.map(|who| format!("{who}\n{own}")).collect()
}

/// Who else got the mail: their answers belong to it, too.
fn others(contact: &Contact) -> impl Iterator<Item = String> + '_ {
    (contact.content.participants.iter())
        .filter(|one| matches!(one.side, Side::Customer | Side::Other))
        .filter_map(|one| one.identifier.as_ref())
        .map(Identifier::normalised)
        .take(PEOPLE)
}

/// The ids in the text of a header, or the one that was cut out of it.
fn ids(text: &str) -> impl Iterator<Item = String> + '_ {
    let bracketed = text.contains('<');
    let pieces: Box<dyn Iterator<Item = &str>> = if bracketed {
        // Words around the brackets are comments, or phrases of old programs.
        let behind = text.split('<').skip(1);
        Box::new(behind.filter_map(|piece| piece.split_once('>').map(|(id, _)| id)))
    } else {
        Box::new(text.split(|c: char| c.is_whitespace() || c == ','))
    };
    pieces.filter_map(normalised)
}

/// One spelling of an id: no white space, no needless quotes, the host in small letters.
fn normalised(id: &str) -> Option<String> {
    let folded: String = id.chars().filter(|c| !c.is_whitespace()).collect();
    if folded.is_empty() || folded.len() > LONGEST {
        return None;
    }
    let Some((local, host)) = folded.rsplit_once('@') else {
        return Some(folded);
    };
    let quoted = local
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let local = quoted.map_or_else(|| local.to_owned(), |inner| inner.replace('\\', ""));
    Some(format!("{local}@{}", host.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::super::code::IdentifierKind;
    use super::super::contact::Participant;
    use super::super::content::tests::message;
    use super::*;

    fn found(text: &str) -> Vec<String> {
        ids(text).collect()
    }

    #[test]
    fn ids_are_found_in_every_form_that_programs_write() {
        assert_eq!(found("<a.1@Host.Example>"), ["a.1@host.example"]);
        assert_eq!(found("a.1@host.example"), ["a.1@host.example"]);
        assert_eq!(found("<a@x>\r\n\t<b@y> <c@z>"), ["a@x", "b@y", "c@z"]);
        assert_eq!(found("a@x, b@y"), ["a@x", "b@y"]);
        assert_eq!(
            found("Your message of Monday <a@x> (about @ things)"),
            ["a@x"]
        );
        assert_eq!(
            found("<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>"),
            ["01KF8JCEOCBS0045PS@xxx.yyy.com"]
        );
        assert_eq!(found("<no-host>"), ["no-host"]);
        assert_eq!(found("<split\r\n @x>"), ["split@x"]);
        for nothing in ["", " ", "<>", "< >", "<never ended"] {
            assert_eq!(found(nothing), Vec::<String>::new(), "{nothing}");
        }
        assert_ne!(found("<A@x>"), found("<a@x>"));
    }

    fn mail(own: &str, answers: &str, references: &[&str]) -> Contact {
        let mut contact = message("hello");
        contact.content.mail = Mail {
            message_id: own.into(),
            in_reply_to: if answers.is_empty() {
                vec![]
            } else {
                vec![answers.into()]
            },
            references: references.iter().map(|one| (*one).into()).collect(),
        };
        contact
    }

    #[test]
    fn an_answer_and_what_it_answers_have_a_clue_in_common_and_strangers_have_none() {
        let first = clues(&mail("<1@x>", "", &[]));
        let answer = clues(&mail("<2@x>", "<1@x>", &["<1@x>"]));
        assert!(answer.contains(&first[0]));
        let mut stranger = mail("<3@y>", "<1@x>", &[]);
        stranger.content.participants[0].identifier = Some(Identifier {
            kind: IdentifierKind::Email,
            value: "else@example.com".into(),
            namespace: String::new(),
        });
        assert!(clues(&stranger).iter().all(|clue| !first.contains(clue)));
        // Who was in copy is no stranger.
        let mut copied = mail("<1@x>", "", &[]);
        copied.content.participants.push(Participant {
            side: Side::Other,
            ..stranger.content.participants[0].clone()
        });
        let copied = clues(&copied);
        assert!(clues(&stranger).iter().any(|clue| copied.contains(clue)));
        assert_eq!(clues(&message("hello")), Vec::<String>::new());
    }

    #[test]
    fn of_many_references_the_oldest_and_the_newest_count() {
        let names: Vec<String> = (0..100).map(|n| format!("<{n}@x>")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let clues = clues(&mail("<own@x>", "", &names));
        assert_eq!(clues.len(), 1 + 20);
        assert!(clues[1].ends_with("\n99@x") && clues[20].ends_with("\n0@x"));
    }
}
