//! Asking for contacts over one stream after another, through restarts of the suite.

use std::time::Duration;

use rapport_proto::interactions::v1::export_service_client::ExportServiceClient;
use rapport_proto::interactions::v1::{ExportInteractionsRequest, ExportInteractionsResponse};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tonic::Status;

use super::run::Error;
use crate::client::{self, Authorised};

/// How long opening the stream may take.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// How long nothing may come before the connection is made anew: the suite shows a sign of life more often.
const SILENCE_LIMIT: Duration = Duration::from_secs(60);
/// Waits between connections, from the first to the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));
/// The largest answer that is taken.
const ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// Asks until everything was told.
pub(super) struct Puller {
    client: ExportServiceClient<Authorised>,
    /// Goes on behind what was told last.
    request: ExportInteractionsRequest,
    give_up_after: Duration,
    last_answer: Instant,
}

impl Puller {
    pub(super) fn new(
        gateway: Authorised,
        request: ExportInteractionsRequest,
        give_up_after: Duration,
    ) -> Self {
        let client = ExportServiceClient::new(gateway);
        Puller {
            client: client.max_decoding_message_size(ANSWER_BYTES),
            request,
            give_up_after,
            last_answer: Instant::now(),
        }
    }

    /// Tells all there is; answers how often the connection was made anew.
    ///
    /// # Errors
    /// When the gateway refuses the export, or nothing was answered for too long.
    pub(super) async fn run(
        mut self,
        told: mpsc::Sender<ExportInteractionsResponse>,
    ) -> Result<u32, Error> {
        let (mut wait, mut reconnects) = (BACKOFF.0, 0);
        loop {
            let before = self.last_answer;
            match self.session(&told).await {
                Ok(()) => return Ok(reconnects),
                Err(status) if client::is_final(&status) => {
                    return Err(Error::Refused(Box::new(status)));
                }
                Err(status) if self.last_answer.elapsed() > self.give_up_after => {
                    return Err(Error::Unreachable(Box::new(status)));
                }
                Err(_) => {}
            }
            if self.last_answer > before {
                wait = BACKOFF.0;
            }
            reconnects += 1;
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(BACKOFF.1);
        }
    }

    /// One stream from its opening to its end.
    async fn session(
        &mut self,
        told: &mpsc::Sender<ExportInteractionsResponse>,
    ) -> Result<(), Status> {
        let opening = self.client.export_interactions(self.request.clone());
        let mut answers = timeout(OPEN_LIMIT, opening)
            .await
            .map_err(|_| Status::unavailable("the gateway does not answer"))??
            .into_inner();
        loop {
            let answer = timeout(SILENCE_LIMIT, answers.message())
                .await
                .map_err(|_| Status::unavailable("nothing was told for too long"))??;
            let Some(answer) = answer else {
                return Ok(());
            };
            self.last_answer = Instant::now();
            self.request.cursor.clone_from(&answer.cursor);
            // Whoever writes has ended: nobody wants more.
            if told.send(answer).await.is_err() {
                return Ok(());
            }
        }
    }
}
