//! What is searched, from the contract to the domain.

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_proto::interactions::v1 as pb;

use super::limits;
use crate::app::{Page, Search};
use crate::domain::search::{self, Term, Wrong};

/// Results of a page when the caller does not say, and at most: each is opened to be shown.
const PAGE: u32 = 20;
const LARGEST_PAGE: u32 = 100;
/// Characters of an attribute and its value.
const TAG: usize = limits::ATTRIBUTE_KEY + 1 + limits::ATTRIBUTE_VALUE;

pub(crate) fn search(request: &pb::SearchInteractionsRequest) -> Result<(Search, Page), Failure> {
    let mut c = Check::new();
    let terms = terms(&mut c, &request.query);
    let tag = tag(&mut c, &request.tag);
    let wanted = Search {
        terms,
        channel: c.optional_enumeration("channel", request.channel),
        direction: c.optional_enumeration("direction", request.direction),
        purpose: c.optional_enumeration("purpose", request.purpose),
        language: c.optional_text("language", &request.language, limits::LANGUAGE),
        tag,
        from: c.optional_time("from_time", request.from_time.as_ref()),
        until: c.optional_time("until_time", request.until_time.as_ref()),
        by_relevance: c.optional_enumeration("order", request.order)
            == Some(pb::SearchOrder::Relevance),
    };
    if let (Some(from), Some(until)) = (wanted.from, wanted.until) {
        c.require(
            from <= until,
            "until_time",
            "BEFORE_START",
            "is before from_time",
        );
    }
    let page = Page {
        size: c.page_size(request.page_size, PAGE, LARGEST_PAGE),
        token: request.page_token.clone(),
    };
    c.done((wanted, page))
}

/// An attribute and its value.
pub(super) fn tag(c: &mut Check, tag: &str) -> Option<(String, String)> {
    let tag = c.optional_text("tag", tag, TAG)?;
    let parts = tag
        .split_once('=')
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
    c.require(
        parts.is_some(),
        "tag",
        "MALFORMED",
        "is not an attribute, an equals sign and a value",
    );
    parts
}

fn terms(c: &mut Check, query: &str) -> Vec<Term> {
    let query = c.text("query", query, 1..=search::QUERY);
    if query.is_empty() {
        return Vec::new();
    }
    let wrong = match search::parse(&query) {
        Ok(terms) => return terms,
        Err(wrong) => wrong,
    };
    for one in wrong {
        let (reason, description) = match one {
            Wrong::Empty => ("NO_WORDS", "holds no word"),
            Wrong::TooManyTerms => (
                "TOO_MANY",
                "holds more than 16 words, phrases and beginnings",
            ),
            Wrong::PhraseTooLong => ("PHRASE_TOO_LONG", "holds a phrase of more than 16 words"),
            Wrong::BeginningTooShort => (
                "BEGINNING_TOO_SHORT",
                "holds a beginning of less than 3 letters",
            ),
            Wrong::PhraseOpen => ("PHRASE_OPEN", "holds a phrase that does not end"),
        };
        c.require(false, "query", reason, description);
    }
    Vec::new()
}
