//! Where the bytes of files are kept: a folder, or a bucket. Keys of objects hold the tenant and the file by their ids
//! and nothing else; what is stored was sealed before.

use std::fs::DirBuilder;
use std::ops::Range;
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ObjectStore, ObjectStoreExt as _, RetryConfig};
use rapport_foundation::id::{MediaId, TenantId};

mod http;

use crate::config::{MediaConfig, Place, S3Config};
use crate::domain::Piece;

/// Why an object was not stored, read or removed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Lost {
    /// There is no such object.
    #[error("the object is not there")]
    Missing,
    /// The place cannot be reached, refuses us or is full. Trying again may help.
    #[error("the place of objects failed: {0}")]
    Failed(Arc<dyn std::error::Error + Send + Sync>),
    /// It did not answer in time.
    #[error("the place of objects did not answer in time")]
    Late,
}

impl From<object_store::Error> for Lost {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            error => Self::Failed(Arc::new(error)),
        }
    }
}

/// The place; cheap to clone.
#[derive(Clone)]
pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
    patience: Duration,
}

/// One object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) tenant: TenantId,
    pub(crate) media: MediaId,
    pub(crate) piece: Piece,
}

impl Key {
    fn path(&self) -> Path {
        let (start, attempt) = (self.piece.start, self.piece.attempt.simple());
        Path::from_iter([
            self.tenant.to_string(),
            self.media.to_string(),
            format!("{start:016x}-{attempt}"),
        ])
    }
}

impl Objects {
    /// The place that the configuration names; a folder is made.
    pub(crate) fn open(config: &MediaConfig) -> Result<Self, Lost> {
        let store: Arc<dyn ObjectStore> = match config.place {
            Place::File => Arc::new(folder(config)?),
            Place::S3 => Arc::new(bucket(&config.s3, config.object())?),
        };
        let patience = config.object();
        Ok(Self { store, patience })
    }

    /// Stores an object; answers when it is durable.
    pub(crate) async fn put(&self, key: &Key, sealed: Vec<u8>) -> Result<(), Lost> {
        let path = key.path();
        self.in_time(self.store.put(&path, sealed.into())).await?;
        Ok(())
    }

    /// Reads a range of an object.
    pub(crate) async fn read(&self, key: &Key, range: Range<u64>) -> Result<Bytes, Lost> {
        let path = key.path();
        self.in_time(self.store.get_range(&path, range)).await
    }

    /// Removes an object; one that is not there is removed already.
    pub(crate) async fn remove(&self, key: &Key) -> Result<(), Lost> {
        let path = key.path();
        match self.in_time(self.store.delete(&path)).await {
            Err(Lost::Missing) => Ok(()),
            removed => removed,
        }
    }

    async fn in_time<T>(
        &self,
        exchange: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, Lost> {
        match tokio::time::timeout(self.patience, exchange).await {
            Ok(done) => Ok(done?),
            Err(_) => Err(Lost::Late),
        }
    }
}

/// Nobody but us reads the folder. What is written is on the disk before it counts as written.
fn folder(config: &MediaConfig) -> Result<LocalFileSystem, Lost> {
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&config.folder);
    made.map_err(|error| Lost::Failed(Arc::new(error)))?;
    let store = LocalFileSystem::new_with_prefix(&config.folder)?;
    Ok(store.with_fsync(true).with_automatic_cleanup(true))
}

fn bucket(config: &S3Config, patience: Duration) -> Result<object_store::aws::AmazonS3, Lost> {
    let mut builder = AmazonS3Builder::new()
        .with_http_connector(http::Connector::new(config.ca_file.clone()))
        .with_bucket_name(&config.bucket)
        .with_region(&config.region)
        .with_virtual_hosted_style_request(config.virtual_hosted)
        // Not everything that speaks like S3 knows it, and we remove one object at a time.
        .with_disable_bulk_delete(true)
        .with_retry(RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: 3,
            retry_timeout: patience,
        });
    if !config.endpoint.is_empty() {
        builder = builder
            .with_endpoint(&config.endpoint)
            .with_allow_http(config.endpoint.starts_with("http://"));
    }
    if let Some(id) = &config.access_key_id {
        builder = builder.with_access_key_id(id.expose());
    }
    if let Some(secret) = &config.secret_access_key {
        builder = builder.with_secret_access_key(secret.expose());
    }
    Ok(builder.build()?)
}
