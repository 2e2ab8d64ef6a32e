//! Waiting for what the suite does by events.

use std::time::Duration;

use tokio::time::Instant;
use tonic::Status;

/// How long anything in the story may take. The suite needs milliseconds; a busy machine may need more.
pub(super) const WITHIN: Duration = Duration::from_secs(10);

/// Asks until the answer is there.
///
/// # Errors
/// What asking fails with, or that it was not there in time.
pub(super) async fn until<T, F, Fut>(what: &str, mut ask: F) -> Result<T, Status>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Option<T>, Status>>,
{
    let ends = Instant::now() + WITHIN;
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if Instant::now() > ends {
            return Err(Status::deadline_exceeded(format!(
                "{what} did not happen within {WITHIN:?}"
            )));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
