//! Many contacts over streams, each acknowledged.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rapport_proto::interactions::v1::interaction_service_client::InteractionServiceClient;
use rapport_proto::interactions::v1::{InteractionInput, StreamInteractionsRequest};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::contact::Contacts;
use crate::client::Gateway;
use crate::error::Error;

/// Streams at a time, each over a connection of its own.
const STREAMS: usize = 4;
/// Items of a stream that wait to be sent.
const AHEAD: usize = 256;

/// What came of a flow.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flowed {
    /// Items acknowledged a second.
    pub(super) rate: f64,
    pub(super) acknowledged: u64,
    pub(super) failed: u64,
}

/// What is to be told; none at the end.
pub(super) type Source = Arc<dyn Fn() -> Option<InteractionInput> + Send + Sync>;

/// New contacts for this long.
pub(super) fn lasting(contacts: &Arc<Contacts>, lasting: Duration) -> Source {
    let (contacts, begun) = (Arc::clone(contacts), Instant::now());
    Arc::new(move || (begun.elapsed() < lasting).then(|| contacts.next()))
}

/// Tells everything there is over some streams, and waits until all of it is acknowledged.
pub(super) async fn flow(
    gateway: SocketAddr,
    token: &str,
    source: Source,
) -> Result<Flowed, Error> {
    let begun = Instant::now();
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let way = Gateway::at(&format!("http://{gateway}"), None)?.presenting(token)?;
        let client = InteractionServiceClient::new(way);
        streams.push(tokio::spawn(one(client, Arc::clone(&source))));
    }
    let mut all = Flowed::default();
    for stream in streams {
        let (acknowledged, failed) = stream
            .await
            .map_err(|error| Error::Bench(error.to_string()))??;
        all.acknowledged += acknowledged;
        all.failed += failed;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of a run are small")]
    let acknowledged = all.acknowledged as f64;
    all.rate = acknowledged / begun.elapsed().as_secs_f64();
    Ok(all)
}

async fn one(
    mut client: InteractionServiceClient<crate::client::Authorised>,
    source: Source,
) -> Result<(u64, u64), Error> {
    let (items, outgoing) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let mut sequence = 0;
        while let Some(interaction) = source() {
            sequence += 1;
            let item = StreamInteractionsRequest {
                sequence,
                interaction: Some(interaction),
                fact: None,
            };
            if items.send(item).await.is_err() {
                break;
            }
        }
    });
    let answers = client.stream_interactions(ReceiverStream::new(outgoing));
    let mut answers = answers.await?.into_inner();
    let (mut acknowledged, mut failed) = (0, 0);
    while let Some(answer) = answers.message().await? {
        match answer.error {
            None => acknowledged += 1,
            Some(_) => failed += 1,
        }
    }
    Ok((acknowledged, failed))
}
