//! How large a message may be. The five bytes before each message announce its length, so one that is too
//! large is refused before it arrives, and nothing is buffered or copied.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use tokio::sync::oneshot;
use tonic::body::Body;
use tower::Service;

use super::{Answer, cut};
use crate::error::Rejection;

#[derive(Clone, Copy)]
pub(super) struct MessagesLayer {
    pub(super) most_bytes: u32,
}

impl<S> tower::Layer<S> for MessagesLayer {
    type Service = Messages<S>;

    fn layer(&self, inner: S) -> Messages<S> {
        Messages {
            inner,
            most_bytes: self.most_bytes,
        }
    }
}

#[derive(Clone)]
pub(super) struct Messages<S> {
    inner: S,
    most_bytes: u32,
}

impl<S> Service<Request<Body>> for Messages<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        let limit = self.most_bytes;
        let (sender, mut exceeded) = oneshot::channel();
        let request = request.map(|body| {
            Body::new(Measured {
                body,
                prefixes: Prefixes::new(limit),
                exceeded: Some(sender),
            })
        });
        let call = self.inner.call(request);
        Box::pin(async move {
            let answer = tokio::select! {
                // The refusal first: a broken request body makes the service answer too, less clearly.
                biased;
                Ok(()) = &mut exceeded => Ok(tonic::Status::from(too_large(limit)).into_http()),
                answer = call => answer,
            };
            // The sender is gone with a request that was read to its end: nothing can be too large then.
            if exceeded.try_recv() != Err(oneshot::error::TryRecvError::Empty) {
                return answer;
            }
            let end = async move {
                match exceeded.await {
                    Ok(()) => too_large(limit),
                    Err(_) => std::future::pending().await,
                }
            };
            answer.map(|response| response.map(|body| cut::cut(body, Box::pin(end))))
        })
    }
}

fn too_large(limit: u32) -> rapport_foundation::error::Failure {
    Rejection::MessageTooLarge { limit }.into()
}

/// A request body whose messages are measured as they pass.
struct Measured {
    body: Body,
    prefixes: Prefixes,
    exceeded: Option<oneshot::Sender<()>>,
}

impl http_body::Body for Measured {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
            && this.prefixes.pass(data).is_err()
        {
            if let Some(exceeded) = this.exceeded.take() {
                let _ = exceeded.send(());
            }
            this.body = Body::empty();
            return Poll::Ready(Some(Err(tonic::Status::from(too_large(
                this.prefixes.limit,
            )))));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Finds the length prefixes in a body that arrives in pieces of any size.
struct Prefixes {
    limit: u32,
    /// What is left of the message that is passing.
    rest: u32,
    /// The prefix as far as it was seen.
    prefix: [u8; 5],
    seen: usize,
}

struct TooLarge;

impl Prefixes {
    fn new(limit: u32) -> Self {
        Prefixes {
            limit,
            rest: 0,
            prefix: [0; 5],
            seen: 0,
        }
    }

    fn pass(&mut self, mut data: &[u8]) -> Result<(), TooLarge> {
        while !data.is_empty() {
            if self.rest > 0 {
                let passed = data.len().min(self.rest as usize);
                data = &data[passed..];
                // Not more than `rest`, which is one.
                self.rest -= u32::try_from(passed).unwrap_or(self.rest);
                continue;
            }
            let taken = data.len().min(self.prefix.len() - self.seen);
            self.prefix[self.seen..self.seen + taken].copy_from_slice(&data[..taken]);
            self.seen += taken;
            data = &data[taken..];
            if self.seen == self.prefix.len() {
                let [_, a, b, c, d] = self.prefix;
                self.rest = u32::from_be_bytes([a, b, c, d]);
                self.seen = 0;
                if self.rest > self.limit {
                    return Err(TooLarge);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: u32) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend(length.to_be_bytes());
        bytes.extend(vec![7; length as usize]);
        bytes
    }

    #[test]
    fn prefixes_are_found_however_the_bytes_are_cut() {
        let bytes: Vec<u8> = [message(3), message(0), message(10), message(1)].concat();
        for piece in 1..=bytes.len() {
            let mut prefixes = Prefixes::new(10);
            assert!(
                bytes
                    .chunks(piece)
                    .all(|piece| prefixes.pass(piece).is_ok()),
                "{piece}"
            );
            let mut prefixes = Prefixes::new(9);
            assert!(
                !bytes
                    .chunks(piece)
                    .all(|piece| prefixes.pass(piece).is_ok()),
                "{piece}"
            );
        }
    }

    #[test]
    fn four_gigabytes_are_refused_at_their_prefix() {
        assert!(Prefixes::new(4).pass(&[0, 255, 255, 255, 255]).is_err());
    }
}
