//! One effect per request id: the first call stores what it did, a repetition is answered with that.
//!
//! The key is (tenant, principal, method, request id). What is compared is the SHA-256 of the canonical request:
//! decoded, without `request_id` and the fields marked volatile, maps sorted. Only success is stored, in the
//! transaction of the effect; a second call during the first waits for it at the row.

mod canonical;
mod many;

pub use many::{look_up_many, settle_many};

use aws_lc_rs::digest::{SHA256, digest};
use sea_orm::Value;
use uuid::Uuid;

use crate::context::Context;
use crate::db::{Database, Error, Scoped};
use crate::error::{Code, Failure};
use crate::time::{Clock, Micros};

/// How long a request id is remembered; entries marked permanent are kept for ever.
pub const RETENTION: std::time::Duration = std::time::Duration::from_secs(7 * 24 * 3600);
/// Rows deleted in one statement, so that a sweep never holds the store for long.
const SWEEP_CHUNK: i64 = 2_000;

/// A request under its idempotency key. `Request::new` is the same as `Key::new`.
pub type Request = Key;

/// Who asked for what under which request id.
#[derive(Debug, Clone)]
pub struct Key {
    principal: String,
    method: &'static str,
    request_id: Uuid,
    hash: [u8; 32],
    permanent: bool,
}

/// What the key was used for before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Never: do it, then [`Key::settle`].
    Fresh,
    /// For the same request: answer with this result.
    Replay {
        /// The resource that was made or changed.
        result_id: Uuid,
        /// Its version then.
        result_version: i64,
    },
    /// For another request: refuse with [`reused`].
    Reused,
}

impl Claim {
    /// The result to answer with, or none when the request is fresh.
    ///
    /// # Errors
    /// `ALREADY_EXISTS`, reason `REQUEST_ID_REUSED`, when the key was used for another request.
    pub fn replayed(self) -> Result<Option<(Uuid, i64)>, Failure> {
        match self {
            Self::Fresh => Ok(None),
            Self::Replay {
                result_id,
                result_version,
            } => Ok(Some((result_id, result_version))),
            Self::Reused => Err(reused()),
        }
    }
}

/// The refusal of a request id that was used for another request.
#[must_use]
pub fn reused() -> Failure {
    Failure::new(
        Code::AlreadyExists,
        "REQUEST_ID_REUSED",
        "The request id was used for another request.",
    )
}

impl Key {
    /// The key of a call. `method` is `package.Service/Method`; its request message is looked up in the contracts.
    #[must_use]
    pub fn new(
        ctx: &Context,
        method: &'static str,
        request_id: Uuid,
        request: &impl prost::Message,
    ) -> Self {
        Self {
            principal: ctx.principal.clone(),
            method,
            request_id,
            hash: canonical::hash(method, &request.encode_to_vec()),
            permanent: false,
        }
    }

    /// Kept for ever, as ledger entries keep theirs.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.permanent = true;
        self
    }

    /// The key of one of many things that the call does: each has one effect, however often the call is repeated.
    #[must_use]
    pub fn of(&self, part: Uuid) -> Self {
        let both = [self.request_id.into_bytes(), part.into_bytes()].concat();
        let digest = digest(&SHA256, &both);
        let id = digest.as_ref().first_chunk().copied();
        Self {
            request_id: Uuid::from_bytes(id.unwrap_or_default()),
            ..self.clone()
        }
    }

    /// The hash of the canonical request.
    #[must_use]
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// The request id.
    #[must_use]
    pub fn request_id(&self) -> Uuid {
        self.request_id
    }

    /// Claims the key: the first statement of the transaction of the effect. Waits for a concurrent claim.
    ///
    /// # Errors
    /// When the store fails, or the concurrent claim lasts longer than a statement may.
    pub async fn claim(&self, s: &Scoped) -> Result<Claim, Error> {
        let sql = "insert into idempotency (tenant_id, principal, method, request_id, hash, permanent, created_at) \
                   values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing";
        let [principal, method, request_id] = self.columns();
        let values = [
            principal,
            method,
            request_id,
            self.hash.to_vec().into(),
            self.permanent.into(),
            Clock::system().now().0.into(),
        ];
        if s.raw_exec(sql, values).await? > 0 {
            return Ok(Claim::Fresh);
        }
        // A second statement: the first one's snapshot may not see the winner it waited for.
        self.look_up(s).await?.ok_or_else(|| s.raced())
    }

    /// What the key was used for, without claiming it: an early answer outside a transaction.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look_up(&self, s: &Scoped) -> Result<Option<Claim>, Error> {
        let sql = "select hash, result_id, result_version from idempotency \
                   where tenant_id = $1 and principal = $2 and method = $3 and request_id = $4";
        let Some(row) = s.raw_one(sql, self.columns()).await? else {
            return Ok(None);
        };
        if row.try_get::<Vec<u8>>("", "hash")? != self.hash {
            return Ok(Some(Claim::Reused));
        }
        let result: Option<Uuid> = row.try_get("", "result_id")?;
        let version: Option<i64> = row.try_get("", "result_version")?;
        match (result, version) {
            (Some(result_id), Some(result_version)) => Ok(Some(Claim::Replay {
                result_id,
                result_version,
            })),
            // Claimed in this very transaction and not settled yet, or settled never: a fault of the use case.
            _ => Err(Error::Misconfigured(format!(
                "{} claimed its request id and did not settle it",
                self.method
            ))),
        }
    }

    /// Stores the result: the last statement of the transaction of the effect.
    ///
    /// # Errors
    /// When the store fails or the key was not claimed.
    pub async fn settle(
        &self,
        s: &Scoped,
        result_id: Uuid,
        result_version: i64,
    ) -> Result<(), Error> {
        let sql = "update idempotency set result_id = $5, result_version = $6 \
                   where tenant_id = $1 and principal = $2 and method = $3 and request_id = $4";
        let [principal, method, request_id] = self.columns();
        let values = [
            principal,
            method,
            request_id,
            result_id.into(),
            result_version.into(),
        ];
        if s.raw_exec(sql, values).await? == 1 {
            return Ok(());
        }
        Err(Error::Misconfigured(format!(
            "{} settled a request id it had not claimed",
            self.method
        )))
    }

    fn columns(&self) -> [Value; 3] {
        [
            self.principal.as_str().into(),
            self.method.into(),
            self.request_id.into(),
        ]
    }
}

/// Forgets request ids older than [`RETENTION`], except permanent ones; answers how many.
///
/// # Errors
/// When the store fails.
pub async fn sweep(db: &Database, now: Micros) -> Result<u64, Error> {
    let before = now - RETENTION;
    let sql = "delete from idempotency where (tenant_id, principal, method, request_id) in \
               (select tenant_id, principal, method, request_id from idempotency \
                where created_at < $1 and not permanent limit $2)";
    let mut swept = 0;
    loop {
        let chunk = db
            .system_write(|s| async move {
                s.raw_exec(sql, [before.0.into(), SWEEP_CHUNK.into()]).await
            })
            .await?;
        swept += chunk;
        if chunk == 0 {
            return Ok(swept);
        }
    }
}
