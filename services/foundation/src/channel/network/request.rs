//! The body of a request, kept as it passes so that it can be sent again.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body as _;
use tonic::body::Body;

/// A body and what has passed of it.
pub(super) struct Source {
    body: Body,
    /// What has passed. Bytes are shared and not copied.
    kept: Vec<Bytes>,
    kept_bytes: usize,
    most_bytes: usize,
    /// Whether everything that has passed is kept.
    whole: bool,
    ended: bool,
    /// What of the kept is sent next.
    next: usize,
}

/// A piece of a body.
pub(super) enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
}

impl Source {
    pub(super) fn new(body: Body, most_bytes: usize) -> Self {
        Source {
            ended: body.is_end_stream(),
            body,
            kept: Vec::new(),
            kept_bytes: 0,
            most_bytes,
            whole: true,
            next: 0,
        }
    }

    /// Whether there is nothing more to send.
    pub(super) fn is_end(&self) -> bool {
        self.ended && self.next == self.kept.len()
    }

    /// Begins anew. False when something that has passed is not there any more.
    pub(super) fn rewind(&mut self) -> bool {
        self.next = 0;
        self.whole
    }

    /// Keeps nothing from now on.
    pub(super) fn forget(&mut self) {
        self.whole = false;
        self.kept = Vec::new();
        self.next = 0;
    }

    pub(super) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Piece, tonic::Status>>> {
        if let Some(again) = self.kept.get(self.next) {
            self.next += 1;
            return Poll::Ready(Some(Ok(Piece::Data(again.clone()))));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let frame = match std::task::ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(status)) => {
                self.forget();
                return Poll::Ready(Some(Err(status)));
            }
            None => {
                self.ended = true;
                return Poll::Ready(None);
            }
        };
        self.ended = self.body.is_end_stream();
        Poll::Ready(Some(Ok(match frame.into_data() {
            Ok(data) => {
                self.keep(&data);
                Piece::Data(data)
            }
            Err(frame) => {
                // gRPC has no trailers in requests; what has them is sent once.
                self.forget();
                self.ended = true;
                Piece::Trailers(frame.into_trailers().unwrap_or_default())
            }
        })))
    }

    fn keep(&mut self, data: &Bytes) {
        self.kept_bytes = self.kept_bytes.saturating_add(data.len());
        if !self.whole || self.kept_bytes > self.most_bytes {
            self.forget();
            return;
        }
        self.kept.push(data.clone());
        self.next = self.kept.len();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use std::convert::Infallible;

    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;

    fn source(pieces: &[&'static str], most_bytes: usize) -> Source {
        let frames: Vec<_> = pieces
            .iter()
            .map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::from_static(piece.as_bytes()))))
            .collect();
        let body = Body::new(StreamBody::new(futures::stream::iter(frames)));
        Source::new(body, most_bytes)
    }

    async fn read(source: &mut Source, pieces: usize) -> String {
        let mut all = Vec::new();
        for _ in 0..pieces {
            match std::future::poll_fn(|cx| source.poll_piece(cx)).await {
                Some(Ok(Piece::Data(data))) => all.extend_from_slice(&data),
                _ => break,
            }
        }
        String::from_utf8(all).unwrap()
    }

    #[tokio::test]
    async fn a_body_can_be_sent_again_from_wherever_it_was() {
        let mut source = source(&["a", "b", "c"], 3);
        assert_eq!(read(&mut source, 2).await, "ab");
        assert!(source.rewind());
        assert_eq!(read(&mut source, 1).await, "a");
        assert!(source.rewind());
        assert_eq!(read(&mut source, 9).await, "abc");
        assert!(source.is_end() && source.rewind() && !source.is_end());
        assert_eq!(read(&mut source, 9).await, "abc");
    }

    #[tokio::test]
    async fn a_body_larger_than_is_kept_passes_whole_and_once() {
        let mut source = source(&["a", "b", "c"], 2);
        assert_eq!(read(&mut source, 9).await, "abc");
        assert!(!source.rewind() && source.kept.is_empty());
    }
}
