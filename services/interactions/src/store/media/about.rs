//! What is known of a file as bytes, sealed with its own key: JSON with short names.

use rapport_foundation::db::Error;
use rapport_foundation::id::MediaId;
use rapport_foundation::personal::Personal;
use rapport_foundation::seal::ContentKey;
use serde::{Deserialize, Serialize};

use crate::domain::About;
use crate::domain::media::{Hashing, Sha256};

#[derive(Serialize, Deserialize)]
struct Body {
    #[serde(rename = "n", default, skip_serializing_if = "String::is_empty")]
    file_name: String,
    #[serde(rename = "d", default, skip_serializing_if = "String::is_empty")]
    declared: String,
    #[serde(rename = "t", default, skip_serializing_if = "String::is_empty")]
    media_type: String,
    #[serde(rename = "x", default, skip_serializing_if = "String::is_empty")]
    expected: String,
    /// The hash of all, or the state over so many bytes.
    #[serde(rename = "h", default, skip_serializing_if = "String::is_empty")]
    hash: String,
    #[serde(rename = "s", default)]
    state: [u32; 8],
    #[serde(rename = "b", default)]
    over: u64,
}

const DAMAGED: Error = Error::Corrupt("what is known of a file cannot be decoded");

fn row(id: MediaId) -> Vec<u8> {
    [b"interactions/media/".as_slice(), id.uuid().as_bytes()].concat()
}

/// Sealed for the row of its file.
pub(super) fn seal(key: &ContentKey, id: MediaId, about: &About) -> Result<Vec<u8>, Error> {
    let (hash, state, over) = match about.hashing {
        Hashing::Done(hash) => (hash.to_string(), [0; 8], 0),
        Hashing::On(state, over) => (String::new(), state, over),
    };
    let expected = about.expected.map(|hash| hash.to_string());
    let body = Body {
        file_name: about.file_name.expose().to_owned(),
        declared: about.declared.clone(),
        media_type: about.media_type.clone(),
        expected: expected.unwrap_or_default(),
        hash,
        state,
        over,
    };
    let plain = serde_json::to_vec(&body)
        .map_err(|_| Error::Misconfigured("a file cannot be encoded".into()))?;
    Ok(key.seal(&plain, &row(id)))
}

/// What was sealed.
pub(super) fn open(key: &ContentKey, id: MediaId, sealed: &[u8]) -> Result<About, Error> {
    let plain = key.open(sealed, &row(id))?;
    let body: Body = serde_json::from_slice(&plain).map_err(|_| DAMAGED)?;
    let hash = |text: &str| match text {
        "" => Ok(None),
        text => Sha256::parse(text).map(Some).ok_or(DAMAGED),
    };
    Ok(About {
        expected: hash(&body.expected)?,
        hashing: match hash(&body.hash)? {
            Some(hash) => Hashing::Done(hash),
            None => Hashing::On(body.state, body.over),
        },
        file_name: Personal::new(body.file_name),
        declared: body.declared,
        media_type: body.media_type,
    })
}
