//! What a contact says, without what must not be seen in it.

use std::borrow::Cow;

use rapport_foundation::personal::Personal;
use serde_json::Value;

use super::code::Treatment;
use super::contact::{Contact, Content, Payload};
use super::detect::{self, Text};
use super::fact::{Fact, Known};
use super::numbers::{Numbers, Taking};
use super::part::{Html, Part, Transcript};

/// Digits of a run at the end of a text that may go on in the next one.
const PIECE: std::ops::Range<usize> = 1..19;

/// Takes numbers and secrets out of a contact, the payload that it came in with included.
#[must_use]
pub fn mask(mut contact: Contact, taking: &mut Taking<'_>) -> Contact {
    let content = &mut contact.content;
    mask_texts(std::slice::from_mut(content), taking);
    let mut alone = Alone(taking);
    content
        .attributes
        .values_mut()
        .for_each(|value| alone.personal(value));
    for participant in &mut content.participants {
        alone.personal(&mut participant.display_name);
    }
    content.parts.iter_mut().for_each(|part| alone.part(part));
    for line in contact.order.iter_mut().flat_map(|order| &mut order.lines) {
        alone.text(&mut line.description);
    }
    content.raw_payload = payload(std::mem::take(&mut content.raw_payload), taking);
    contact
}

/// The same for a fact. Numbers that are split over several facts are not put together.
#[must_use]
pub fn mask_fact(mut fact: Fact, taking: &mut Taking<'_>) -> Fact {
    match &mut fact.what {
        Known::Edit(parts) => mask_said(parts.iter_mut().flat_map(said).collect(), taking),
        Known::Transcript(transcript) => mask_said(spoken(transcript).collect(), taking),
        _ => {}
    }
    let mut alone = Alone(taking);
    match &mut fact.what {
        Known::Edit(parts) => parts.iter_mut().for_each(|part| alone.part(part)),
        Known::Transcript(transcript) => alone.speakers(transcript),
        Known::Disposition(disposition) => alone.personal(&mut disposition.note),
        Known::Delivery(delivery) => alone.personal(&mut delivery.error_text),
        Known::Reaction(reaction) => alone.text(&mut reaction.symbol),
        Known::End(_) | Known::Deletion(_) | Known::CallLeg(_) => {}
    }
    (fact.attributes.values_mut()).for_each(|value| alone.personal(value));
    fact.raw_payload = payload(fact.raw_payload, taking);
    fact
}

/// Masks what consecutive contacts say as one sequence of texts, those of [`texts`].
pub fn mask_texts(contents: &mut [Content], taking: &mut Taking<'_>) {
    let all = contents.iter_mut().flat_map(|content| {
        let parts = content.parts.iter_mut().flat_map(said);
        std::iter::once(Said::Text(&mut content.subject)).chain(parts)
    });
    mask_said(all.collect(), taking);
}

/// Masks the name of a file, whatever becomes of numbers elsewhere: nothing is kept beside a name.
pub fn mask_name(name: &mut Personal, keep_last_four: bool) {
    let numbers = Numbers::all(Treatment::Mask, keep_last_four);
    let mut taking = Taking::new(numbers, &|_, _| String::new());
    Alone(&mut taking).personal(name);
}

/// Whether what a contact says begins or ends with a number that may be a part of a longer one, over several contacts.
#[must_use]
pub fn may_be_a_part(content: &Content) -> bool {
    texts(content).any(|text| {
        let (first, last) = detect::ends(text);
        PIECE.contains(&first) || PIECE.contains(&last)
    })
}

/// The texts of a contact that are one sequence, the subject first.
pub fn texts(content: &Content) -> impl Iterator<Item = Text<'_>> {
    let subject = Text::plain(content.subject.expose());
    std::iter::once(subject).chain(content.parts.iter().flat_map(texts_of))
}

/// The texts of a part.
pub fn texts_of(part: &Part) -> Vec<Text<'_>> {
    match part {
        Part::Text(text) => vec![Text::plain(text.expose())],
        Part::Html(html) => vec![Text {
            body: html.received.expose(),
            html: true,
        }],
        Part::Transcript(transcript) => spoken_texts(transcript).collect(),
        Part::Form(form) => (form.fields.iter())
            .map(|(_, value)| Text::plain(value.expose()))
            .collect(),
        _ => Vec::new(),
    }
}

/// What was said, piece by piece.
pub fn spoken_texts(transcript: &Transcript) -> impl Iterator<Item = Text<'_>> {
    (transcript.segments.iter()).map(|segment| Text::plain(segment.text.expose()))
}

/// A text of a sequence.
enum Said<'a> {
    Text(&'a mut Personal),
    Html(&'a mut Html),
}

/// What [`texts_of`] reads, to be changed.
fn said(part: &mut Part) -> Vec<Said<'_>> {
    match part {
        Part::Text(text) => vec![Said::Text(text)],
        Part::Html(html) => vec![Said::Html(html)],
        Part::Transcript(transcript) => spoken(transcript).collect(),
        Part::Form(form) => (form.fields.iter_mut())
            .map(|(_, value)| Said::Text(value))
            .collect(),
        _ => Vec::new(),
    }
}

fn spoken(transcript: &mut Transcript) -> impl Iterator<Item = Said<'_>> {
    let segments = transcript.segments.iter_mut();
    segments.map(|segment| Said::Text(&mut segment.text))
}

/// Masks a sequence. The copies of HTML that are shown are read in the place of what was received: a number may be
/// split over one of them and a text beside it.
fn mask_said(said: Vec<Said<'_>>, taking: &mut Taking<'_>) {
    let mut read = |shown: bool| {
        let text = |one: &Said<'_>| match one {
            Said::Text(text) => (text.expose().to_owned(), false),
            Said::Html(html) if shown => (html.sanitised.expose().to_owned(), true),
            Said::Html(html) => (html.received.expose().to_owned(), true),
        };
        let bodies: Vec<(String, bool)> = said.iter().map(text).collect();
        let texts: Vec<Text<'_>> = (bodies.iter())
            .map(|(body, html)| Text { body, html: *html })
            .collect();
        taking.texts(&texts)
    };
    let masked = read(false);
    let copies = said.iter().any(|one| matches!(one, Said::Html(_)));
    let shown = if copies { read(true) } else { Vec::new() };
    let mut shown = shown.into_iter();
    for (one, masked) in said.into_iter().zip(masked) {
        let shown = shown.next().flatten();
        match one {
            // What is found beside either form of the HTML is masked.
            Said::Text(text) => put(text, masked.or(shown)),
            Said::Html(html) => {
                put(&mut html.received, masked);
                put(&mut html.sanitised, shown);
            }
        }
    }
}

fn put(text: &mut Personal, masked: Option<String>) {
    if let Some(masked) = masked {
        *text = masked.into();
    }
}

/// Masks texts that stand alone.
struct Alone<'a, 'b>(&'a mut Taking<'b>);

impl Alone<'_, '_> {
    fn personal(&mut self, text: &mut Personal) {
        let masked = self.0.text(text.expose());
        put(text, masked);
    }

    fn text(&mut self, text: &mut String) {
        if let Some(masked) = self.0.text(text) {
            *text = masked;
        }
    }

    fn speakers(&mut self, transcript: &mut Transcript) {
        for segment in &mut transcript.segments {
            self.personal(&mut segment.speaker_name);
        }
    }

    /// What of a part is no text of the sequence. Keys of the connector and identifiers stay what they are: they are
    /// what things are known by.
    fn part(&mut self, part: &mut Part) {
        match part {
            Part::Text(_) | Part::Html(_) | Part::CallLeg(_) => {}
            Part::Attachment(file) => {
                self.personal(&mut file.file_name);
                self.personal(&mut file.uri);
            }
            Part::Transcript(transcript) => self.speakers(transcript),
            Part::Form(form) => {
                self.text(&mut form.name);
                form.fields.iter_mut().for_each(|(name, _)| self.text(name));
            }
            Part::Location(location) => self.personal(&mut location.label),
            Part::Reaction(reaction) => self.text(&mut reaction.symbol),
            Part::Delivery(delivery) => self.personal(&mut delivery.error_text),
            Part::PageVisit(visit) => {
                self.personal(&mut visit.url);
                self.personal(&mut visit.title);
                self.personal(&mut visit.referrer);
            }
        }
    }
}

/// The payload, masked where it is text. Where it is not, nobody can tell what it holds: it is kept only when nothing
/// was found in what it says.
fn payload(payload: Payload, taking: &mut Taking<'_>) -> Payload {
    if let Ok(mut json) = serde_json::from_slice::<Value>(&payload.0) {
        let changed = mask_json(&mut json, taking);
        return if changed {
            Payload(json.to_string().into_bytes())
        } else {
            payload
        };
    }
    match std::str::from_utf8(&payload.0).map(|text| taking.text(text)) {
        Ok(None) => payload,
        Ok(Some(masked)) => Payload(masked.into_bytes()),
        Err(_) if taking.found => Payload::default(),
        Err(_) => payload,
    }
}

fn mask_each<'a>(values: impl Iterator<Item = &'a mut Value>, taking: &mut Taking<'_>) -> bool {
    let mut any = false;
    // Each of them, also behind one that was changed.
    values.for_each(|value| any |= mask_json(value, taking));
    any
}

fn mask_json(json: &mut Value, taking: &mut Taking<'_>) -> bool {
    let text: Cow<'_, str> = match json {
        Value::Array(list) => return mask_each(list.iter_mut(), taking),
        Value::Object(map) => return mask_each(map.values_mut(), taking),
        Value::String(text) => Cow::Borrowed(text),
        Value::Number(number) => number.to_string().into(),
        Value::Null | Value::Bool(_) => return false,
    };
    let Some(masked) = taking.text(&text) else {
        return false;
    };
    *json = Value::String(masked);
    true
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use rapport_foundation::time::Micros;

    use super::super::code::Side;
    use super::super::code::{NumberKind, Treatment};
    use super::super::content::tests::message;
    use super::super::numbers::{Numbers, SealedNumber};
    use super::super::part::{Form, Location, PageVisit, Segment};
    use super::*;

    const MASKED: Numbers = Numbers::all(Treatment::Mask, false);
    const SEALED: Numbers = Numbers::all(Treatment::Seal, false);

    fn token(_: NumberKind, number: &str) -> String {
        let letter = |c: char| {
            c.to_digit(10)
                .map_or('x', |digit| char::from(b'b' + u8::try_from(digit).unwrap()))
        };
        number.chars().map(letter).collect()
    }

    fn taken<T>(numbers: Numbers, what: impl FnOnce(&mut Taking<'_>) -> T) -> (T, Vec<String>) {
        let mut taking = Taking::new(numbers, &token);
        let left = what(&mut taking);
        let number = |one: SealedNumber| one.number.into_exposed();
        (left, taking.kept().into_iter().map(number).collect())
    }

    fn mask(contact: Contact) -> Contact {
        taken(MASKED, |taking| super::mask(contact, taking)).0
    }

    #[test]
    fn every_text_of_a_contact_is_masked() {
        let card = "4111 1111 1111 1111";
        let mut contact = message(card);
        contact.content.subject = card.into();
        contact
            .content
            .attributes
            .insert("note".into(), card.into());
        contact.content.participants[0].display_name = card.into();
        contact.content.raw_payload =
            Payload(format!("{{\"a\":[\"{card}\",4111111111111111,1700000000]}}").into_bytes());
        let masked = mask(contact);
        let hidden = "**** **** **** ****";
        assert_eq!(masked.content.parts, [Part::Text(hidden.into())]);
        assert_eq!(masked.content.subject.expose(), hidden);
        assert_eq!(masked.content.attributes["note"].expose(), hidden);
        assert_eq!(masked.content.participants[0].display_name.expose(), hidden);
        let payload = String::from_utf8(masked.content.raw_payload.0).unwrap();
        assert_eq!(
            payload,
            format!("{{\"a\":[\"{hidden}\",\"****************\",1700000000]}}")
        );
    }

    #[test]
    fn every_text_of_every_kind_of_part_is_masked() {
        let card = "4111 1111 1111 1111";
        let hidden = "**** **** **** ****";
        let filled = |text: &str| {
            let segment = |text: &str| Segment {
                speaker: Side::Customer,
                speaker_name: text.into(),
                offset_ms: 0,
                duration_ms: 0,
                text: text.into(),
                confidence_permille: None,
            };
            vec![
                Part::Html(Html {
                    received: format!("<p>{text}</p>").into(),
                    sanitised: format!("<p>{text}</p>").into(),
                }),
                Part::Transcript(Transcript {
                    language: "id".into(),
                    segments: vec![segment(text)],
                }),
                Part::Form(Form {
                    name: text.into(),
                    fields: vec![(text.into(), text.into())],
                }),
                Part::Location(Location {
                    latitude_e7: 1,
                    longitude_e7: 1,
                    accuracy_m: 0,
                    label: text.into(),
                }),
                Part::PageVisit(PageVisit {
                    url: text.into(),
                    title: text.into(),
                    referrer: text.into(),
                    duration_ms: 0,
                }),
            ]
        };
        let mut contact = message("hello");
        contact.content.parts = filled(card);
        let masked = mask(contact);
        assert_eq!(masked.content.parts, filled(hidden));
        let fact = |text: &str| Fact {
            external_id: "m-1".into(),
            key: "e-1".into(),
            event_at: Micros(0),
            what: Known::Edit(filled(text)),
            attributes: [("note".to_owned(), text.into())].into(),
            raw_payload: Payload(text.into()),
        };
        assert_eq!(
            taken(MASKED, |taking| mask_fact(fact(card), taking)).0,
            fact(hidden)
        );
    }

    #[test]
    fn a_number_that_goes_on_in_html_is_masked_in_both_copies() {
        let mut contact = message("4111 1111");
        let html = |text: &str| {
            Part::Html(Html {
                received: format!("<b>{text}</b>").into(),
                sanitised: text.into(),
            })
        };
        contact.content.parts.push(html("1111 1111"));
        let masked = mask(contact);
        let hidden = [Part::Text("**** ****".into()), html("**** ****")];
        assert_eq!(masked.content.parts, hidden);
    }

    #[test]
    fn a_payload_that_is_no_text_goes_with_what_was_found() {
        let mut contact = message("4111 1111 1111 1111");
        contact.content.raw_payload = Payload(vec![0xff, 0xfe]);
        assert!(mask(contact.clone()).content.raw_payload.0.is_empty());
        contact.content.parts = vec![Part::Text("hello".into())];
        assert_eq!(mask(contact.clone()), contact);
    }

    #[test]
    fn only_numbers_at_the_ends_may_be_parts() {
        let part = |text: &str| may_be_a_part(&message(text).content);
        assert!(part("card 4111") && part("1111 thanks"));
        assert!(!part("hello") && !part("I am in room 12 of the house over there, you know"));
    }

    #[test]
    fn what_is_sealed_leaves_a_token_and_is_kept_once_as_digits_however_it_was_said() {
        let said = message("4111-1111 1111.1111. It is 4111111111111111, password: hunter2");
        let (left, kept) = taken(SEALED, |taking| super::mask(said, taking));
        let card = "[sealed fccccccccccccccc]";
        let left: Vec<&str> = texts(&left.content).map(|text| text.body).collect();
        assert_eq!(
            left[1],
            format!(
                "****-**** ****.**** {card}. It is **************** {card}, password: ******** [sealed xxxxxxd]"
            )
        );
        assert_eq!(kept, ["4111111111111111", "hunter2"]);
    }

    #[test]
    fn what_was_sealed_is_left_as_it_is_when_it_is_read_again() {
        for said in [
            "card 4111 1111 1111 1111 ok",
            "password: hunter2",
            "my password is Tr0ub4dor&3 thanks",
            "GB82 WEST 1234 5698 7654 32",
            "the OTP is 493 201",
            "norek 0123456789 a.n. Ana",
        ] {
            let (once, kept) = taken(SEALED, |taking| super::mask(message(said), taking));
            assert_eq!(kept.len(), 1, "{said}");
            let again = taken(SEALED, |taking| super::mask(once.clone(), taking));
            assert_eq!(again, (once, Vec::new()), "{said}");
        }
    }

    #[test]
    fn each_kind_is_treated_as_it_should_be() {
        let numbers = Numbers {
            cards: Treatment::Seal,
            keep_last_four: true,
            ..MASKED
        };
        let said = message("4111 1111 1111 1111 and DE89370400440532013000");
        let (left, kept) = taken(numbers, |taking| super::mask(said, taking));
        let text = "**** **** **** 1111 [sealed fccccccccccccccc] and **********************";
        assert_eq!(left.content.parts, [Part::Text(text.into())]);
        assert_eq!(kept, ["4111111111111111"]);
    }
}
