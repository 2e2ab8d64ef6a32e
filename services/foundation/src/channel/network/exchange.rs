//! One attempt: a request sent to one replica, until its answer begins.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, SendStream};
use http::uri::PathAndQuery;
use http::{Request, Response, Uri};
use tonic::body::Body;

use super::address::Address;
use super::answer;
use super::endpoint::Ticket;
use super::request::{Piece, Source};

/// How an attempt went.
pub(super) enum Sent {
    /// Answered; whether with UNAVAILABLE instead of a body.
    Answered {
        response: Response<Body>,
        unavailable: bool,
    },
    /// Nothing was sent: the connection was going away.
    Unsent,
    /// The replica says that it did not begin: refused, or going away.
    Unprocessed,
    /// The connection broke; whether the replica did the work is not known.
    Lost(h2::Error),
    /// The caller's own body broke, with these words of a layer above, if they are its words.
    Broken(Option<tonic::Status>),
}

/// The address of a request on the wire.
pub(super) fn target(address: &Address, path: Option<PathAndQuery>) -> Option<Uri> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(address.scheme.clone());
    parts.authority = Some(address.authority.clone());
    parts.path_and_query = path.or_else(|| Some(PathAndQuery::from_static("/")));
    Uri::from_parts(parts).ok()
}

/// Sends a request and waits for the head of its answer. The source is handed back unless its rest is still on the way.
pub(super) async fn exchange(
    mut ticket: Ticket,
    head: Request<()>,
    source: &mut Option<Source>,
) -> Sent {
    let Some(body) = source.as_mut() else {
        return Sent::Broken(None);
    };
    let mut connection = ticket.connection.send.clone();
    let (response, send) = match connection.send_request(head, body.is_end()) {
        Ok(sent) => sent,
        Err(error) => {
            tracing::debug!(%error, "a connection to a service takes no more calls");
            ticket.connection.close();
            ticket.excuse();
            return Sent::Unsent;
        }
    };
    drop(connection);
    let mut pump = Pump::new(send, body.is_end());
    let mut response = std::pin::pin!(response);
    let answered = std::future::poll_fn(|cx| {
        if let Poll::Ready(Err(CallerGone(status))) = pump.poll(body, cx) {
            return Poll::Ready(Err(status));
        }
        response.as_mut().poll(cx).map(Ok)
    });
    match answered.await {
        Ok(Ok(response)) => {
            let rest = match pump.done {
                true => None,
                // Both sides go on talking: the rest needs a task of its own, or reading the answer would send it.
                false => source.take().map(|body| pump.spawn(body)),
            };
            answer::received(response, ticket, rest)
        }
        Ok(Err(error)) => {
            let verdict = refused(&error);
            match verdict {
                true => ticket.excuse(),
                false => ticket.failed(),
            }
            if error.is_go_away() || error.is_io() {
                ticket.connection.close();
            }
            if verdict {
                Sent::Unprocessed
            } else {
                Sent::Lost(error)
            }
        }
        Err(status) => {
            ticket.excuse();
            // Only a failure of ours has details; the transport's own words are not for callers.
            Sent::Broken(Some(status).filter(|status| !status.details().is_empty()))
        }
    }
}

/// Whether the peer says that it did not begin with the stream: it refused it, or the stream is above the last one of
/// its GOAWAY (only those are ended with the peer's own GOAWAY; the others go on).
fn refused(error: &h2::Error) -> bool {
    let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    error.is_remote() && (refused || error.is_go_away())
}

/// The request's body broke: whoever called is gone or sent what is not taken.
struct CallerGone(tonic::Status);

/// Sends a body, as fast as the peer takes it.
struct Pump {
    send: SendStream<Bytes>,
    begun: bool,
    done: bool,
}

impl Pump {
    fn new(send: SendStream<Bytes>, done: bool) -> Self {
        Pump {
            send,
            begun: false,
            done,
        }
    }

    fn poll(&mut self, source: &mut Source, cx: &mut Context<'_>) -> Poll<Result<(), CallerGone>> {
        while !self.done {
            if ready!(self.poll_room(cx)).is_none() {
                // The stream is over on the other side; the answer says why.
                self.done = true;
                break;
            }
            let sent = match ready!(source.poll_piece(cx)) {
                Some(Ok(Piece::Data(data))) => {
                    self.begun = true;
                    self.done = source.is_end();
                    self.send.send_data(data, self.done)
                }
                Some(Ok(Piece::Trailers(trailers))) => {
                    self.done = true;
                    self.send.send_trailers(trailers)
                }
                None => {
                    self.done = true;
                    self.send.send_data(Bytes::new(), true)
                }
                Some(Err(status)) => {
                    self.done = true;
                    self.send.send_reset(Reason::CANCEL);
                    return Poll::Ready(Err(CallerGone(status)));
                }
            };
            if sent.is_err() {
                self.done = true;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Whether the peer takes more. The first piece waits in our own buffer, so that a small call asks nothing.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        if !self.begun {
            return Poll::Ready(Some(()));
        }
        self.send.reserve_capacity(1);
        while self.send.capacity() == 0 {
            match ready!(self.send.poll_capacity(cx)) {
                Some(Ok(_)) => (),
                Some(Err(_)) | None => return Poll::Ready(None),
            }
        }
        Poll::Ready(Some(()))
    }

    /// Goes on sending until the end, or until what is given back is dropped.
    fn spawn(mut self, mut source: Source) -> answer::Rest {
        source.forget();
        let sending = tokio::spawn(async move {
            let _ = std::future::poll_fn(|cx| Pin::new(&mut self).poll(&mut source, cx)).await;
        });
        answer::Rest(sending.abort_handle())
    }
}
