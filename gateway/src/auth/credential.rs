//! The credential of a call: the one there is.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use super::{PeerCertificate, Rejected};
use crate::domain::key_text;
use crate::protection::{Protection, Protections};

/// Where a key may stand beside `authorization`.
pub(crate) const API_KEY: &str = "x-api-key";

/// The longest token that is looked at, in bytes.
const LONGEST: usize = 8 * 1024;

/// What a call presents to say who makes it.
pub(super) enum Credential<'a> {
    /// A token of an identity provider.
    Token(&'a str),
    /// A key of a connector or a system.
    Key(&'a str),
    /// The certificate that the connection was opened with.
    Certificate(&'a Arc<PeerCertificate>),
}

impl<'a> Credential<'a> {
    /// The credential in the headers. Only a call without any is made by whom the connection's certificate names: who
    /// holds a connection open may speak for many, and then the token says for whom.
    pub(super) fn of(
        headers: &'a HeaderMap,
        peer: Option<&'a Arc<PeerCertificate>>,
        protections: Protections,
    ) -> Result<Self, Rejected> {
        let authorization = single(headers.get_all(AUTHORIZATION), protections)?;
        let api_key = single(headers.get_all(API_KEY), protections)?;
        match (authorization, api_key, peer) {
            // Which of the two would it be? Whoever stands before us may have looked at the other.
            (Some(_), Some(_), _) if protections.on(Protection::OneCredential) => {
                Err(Rejected::NoCredential)
            }
            (Some(value), _, _) => bearer(value, protections),
            (None, Some(value), _) => match text(value)? {
                key if key_text::is_key(key) => Ok(Credential::Key(key)),
                _ => Err(Rejected::Malformed),
            },
            (None, None, Some(peer)) => Ok(Credential::Certificate(peer)),
            (None, None, None) => Err(Rejected::NoCredential),
        }
    }

    /// What it is remembered by. The credential itself is kept nowhere.
    pub(super) fn hash(&self) -> key_text::Hash {
        match self {
            Credential::Token(text) | Credential::Key(text) => key_text::hash(text),
            Credential::Certificate(peer) => peer.hash,
        }
    }
}

fn single<'a>(
    values: http::header::GetAll<'a, HeaderValue>,
    protections: Protections,
) -> Result<Option<&'a HeaderValue>, Rejected> {
    let mut values = values.iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) if protections.on(Protection::OneCredential) => Err(Rejected::NoCredential),
        (value, Some(_)) => Ok(value),
    }
}

fn bearer(value: &HeaderValue, protections: Protections) -> Result<Credential<'_>, Rejected> {
    let (scheme, credential) = text(value)?.split_once(' ').ok_or(Rejected::NotBearer)?;
    if !scheme.eq_ignore_ascii_case("bearer") && protections.on(Protection::Scheme) {
        return Err(Rejected::NotBearer);
    }
    if credential.len() > LONGEST && protections.on(Protection::TokenLength) {
        return Err(Rejected::TooLong);
    }
    Ok(match key_text::is_key(credential) {
        true => Credential::Key(credential),
        false => Credential::Token(credential),
    })
}

fn text(value: &HeaderValue) -> Result<&str, Rejected> {
    value.to_str().map_err(|_| Rejected::Malformed)
}
