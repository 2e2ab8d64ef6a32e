//! What a contact says, without what must not be seen in it.

use std::borrow::Cow;

use rapport_foundation::personal::Personal;
use serde_json::Value;

use super::contact::{Attachment, Contact, Content, Part, Payload};
use super::detect::{self, Masking, Text};

/// Digits of a run at the end of a text that may go on in the next one.
const PIECE: std::ops::Range<usize> = 1..19;

/// Takes numbers and secrets out of a contact, the payload that it came in with included.
#[must_use]
pub fn mask(mut contact: Contact, masking: Masking) -> Contact {
    let content = &mut contact.content;
    let found = mask_texts(std::slice::from_mut(content), masking);
    let alone = |text: &mut Personal| {
        if let Some(masked) = masked(text.expose(), masking) {
            *text = masked.into();
        }
    };
    content.attributes.values_mut().for_each(alone);
    for participant in &mut content.participants {
        alone(&mut participant.display_name);
    }
    for part in &mut content.parts {
        if let Part::Attachment(Attachment { file_name, uri, .. }) = part {
            alone(file_name);
            alone(uri);
        }
    }
    content.raw_payload = payload(std::mem::take(&mut content.raw_payload), masking, found);
    contact
}

/// Masks what consecutive contacts say as one sequence of texts; answers whether anything was found.
#[must_use]
pub fn mask_texts(contents: &mut [Content], masking: Masking) -> bool {
    let texts: Vec<Text<'_>> = contents.iter().flat_map(texts).collect();
    let (masked, findings) = detect::mask(&texts, masking);
    let mut masked = masked.into_iter();
    for content in contents {
        if let Some(text) = masked.next().flatten() {
            content.subject = text.into();
        }
        for part in &mut content.parts {
            if let Part::Text(text) | Part::Html(text) = part
                && let Some(masked) = masked.next().flatten()
            {
                *text = masked.into();
            }
        }
    }
    !findings.is_empty()
}

/// Whether what a contact says begins or ends with a number that may be a part of a longer one, over several contacts.
#[must_use]
pub fn may_be_a_part(content: &Content) -> bool {
    texts(content).any(|text| {
        let (first, last) = detect::ends(text);
        PIECE.contains(&first) || PIECE.contains(&last)
    })
}

/// The texts of a contact in order, the subject first.
fn texts(content: &Content) -> impl Iterator<Item = Text<'_>> {
    let plain = |body, html| Text { body, html };
    let subject = plain(content.subject.expose(), false);
    let parts = content.parts.iter().filter_map(move |part| match part {
        Part::Text(text) => Some(plain(text.expose(), false)),
        Part::Html(html) => Some(plain(html.expose(), true)),
        Part::Attachment(_) => None,
    });
    std::iter::once(subject).chain(parts)
}

fn masked(text: &str, masking: Masking) -> Option<String> {
    let (masked, _) = detect::mask(
        &[Text {
            body: text,
            html: false,
        }],
        masking,
    );
    masked.into_iter().next().flatten()
}

/// The payload, masked where it is text. Where it is not, nobody can tell what it holds: it is kept only when nothing
/// was found in what it says.
fn payload(payload: Payload, masking: Masking, found: bool) -> Payload {
    if let Ok(mut json) = serde_json::from_slice::<Value>(&payload.0) {
        let changed = mask_json(&mut json, masking);
        return if changed {
            Payload(json.to_string().into_bytes())
        } else {
            payload
        };
    }
    match std::str::from_utf8(&payload.0).map(|text| masked(text, masking)) {
        Ok(None) => payload,
        Ok(Some(masked)) => Payload(masked.into_bytes()),
        Err(_) if found => Payload::default(),
        Err(_) => payload,
    }
}

fn mask_each<'a>(values: impl Iterator<Item = &'a mut Value>, masking: Masking) -> bool {
    let changed = values.map(|value| mask_json(value, masking));
    // Each of them, also behind one that was changed.
    changed.filter(|changed| *changed).count() > 0
}

fn mask_json(json: &mut Value, masking: Masking) -> bool {
    let text: Cow<'_, str> = match json {
        Value::Array(list) => return mask_each(list.iter_mut(), masking),
        Value::Object(map) => return mask_each(map.values_mut(), masking),
        Value::String(text) => Cow::Borrowed(text),
        Value::Number(number) => number.to_string().into(),
        Value::Null | Value::Bool(_) => return false,
    };
    let Some(masked) = masked(&text, masking) else {
        return false;
    };
    *json = Value::String(masked);
    true
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::content::tests::message;
    use super::*;

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
        let masked = mask(contact, Masking::default());
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
    fn a_payload_that_is_no_text_goes_with_what_was_found() {
        let mut contact = message("4111 1111 1111 1111");
        contact.content.raw_payload = Payload(vec![0xff, 0xfe]);
        assert!(
            mask(contact.clone(), Masking::default())
                .content
                .raw_payload
                .0
                .is_empty()
        );
        contact.content.parts = vec![Part::Text("hello".into())];
        assert_eq!(mask(contact.clone(), Masking::default()), contact);
    }

    #[test]
    fn only_numbers_at_the_ends_may_be_parts() {
        let part = |text: &str| may_be_a_part(&message(text).content);
        assert!(part("card 4111") && part("1111 thanks"));
        assert!(!part("hello") && !part("I am in room 12 of the house over there, you know"));
    }
}
