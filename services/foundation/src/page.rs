//! Page tokens: opaque, sealed, and good for the query they came from only.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Code, Failure};
use crate::id::TenantId;

/// Longer tokens are not ours.
const LONGEST_TOKEN: usize = 2048;

/// Seals and opens page tokens. All replicas of a service need the same key. Sealing instead of signing keeps what
/// a cursor holds (a name that was sorted by) from those who see the token.
#[derive(Clone)]
pub struct PageTokens(std::sync::Arc<LessSafeKey>);

impl std::fmt::Debug for PageTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PageTokens")
    }
}

/// What binds a token to its query: the tenant and everything that shapes the result, in a fixed order.
/// `fingerprint(ctx.tenant, &["ListCustomers", &filter, &order])`
#[must_use]
pub fn fingerprint(tenant: TenantId, query: &[&str]) -> Vec<u8> {
    let mut text = tenant.uuid().as_bytes().to_vec();
    for part in query {
        text.extend_from_slice(&(part.len() as u64).to_be_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    text
}

impl PageTokens {
    /// Tokens under this key.
    ///
    /// # Panics
    /// Never: a key of 32 bytes is always accepted.
    #[must_use]
    #[expect(clippy::expect_used, reason = "32 bytes are what AES-256 takes")]
    pub fn new(key: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("AES-256 takes 32 bytes");
        Self(std::sync::Arc::new(LessSafeKey::new(key)))
    }

    /// A token for the page behind `cursor` of the query with this fingerprint.
    #[must_use]
    pub fn encode(&self, query: &[u8], cursor: &impl Serialize) -> String {
        let nonce: [u8; NONCE_LEN] = rand::random();
        // A cursor is a plain struct of ours: it always serialises. Should it not, the listing ends here.
        let Ok(mut body) = serde_json::to_vec(cursor) else {
            return String::new();
        };
        let sealed = self.0.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(query),
            &mut body,
        );
        if sealed.is_err() {
            return String::new();
        }
        let mut token = nonce.to_vec();
        token.append(&mut body);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The cursor in a token; none for the empty token of a first page.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, reason `PAGE_TOKEN_FOREIGN`, for a token of another query, another tenant, or forged.
    pub fn decode<C: DeserializeOwned>(
        &self,
        token: &str,
        query: &[u8],
    ) -> Result<Option<C>, Failure> {
        if token.is_empty() {
            return Ok(None);
        }
        self.open(token, query).map(Some).ok_or_else(|| {
            Failure::new(
                Code::InvalidArgument,
                "PAGE_TOKEN_FOREIGN",
                "The page token does not belong to this query.",
            )
        })
    }

    fn open<C: DeserializeOwned>(&self, token: &str, query: &[u8]) -> Option<C> {
        if token.len() > LONGEST_TOKEN {
            return None;
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (nonce, body) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.0.open_in_place(nonce, Aad::from(query), body).ok()?;
        serde_json::from_slice(plain).ok()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::time::Micros;

    #[test]
    fn a_token_opens_for_its_own_query_and_tenant_only() {
        let tokens = PageTokens::new(&[7; 32]);
        let (ours, theirs) = (TenantId::new(Micros(1)), TenantId::new(Micros(1)));
        let query = fingerprint(ours, &["ListCustomers", "name"]);
        let token = tokens.encode(&query, &("Ada", 42));
        assert!(!token.contains("Ada"));
        assert_eq!(
            tokens.decode::<(String, i64)>(&token, &query).unwrap(),
            Some(("Ada".into(), 42))
        );
        assert_eq!(tokens.decode::<(String, i64)>("", &query).unwrap(), None);
        for foreign in [
            fingerprint(theirs, &["ListCustomers", "name"]),
            fingerprint(ours, &["ListCustomers", "nam", "e"]),
            fingerprint(ours, &["ListCustomersname"]),
        ] {
            let failure = tokens
                .decode::<(String, i64)>(&token, &foreign)
                .unwrap_err();
            assert_eq!(
                (failure.code, failure.reason),
                (Code::InvalidArgument, "PAGE_TOKEN_FOREIGN")
            );
        }
        for forged in [
            "x",
            "????",
            &token[1..],
            &format!("{token}A"),
            &"A".repeat(5000),
        ] {
            assert!(tokens.decode::<(String, i64)>(forged, &query).is_err());
        }
    }
}
