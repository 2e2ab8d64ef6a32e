//! Bodies that are turned while they pass. A request is read only once the layers below ask for it, so nothing is
//! buffered for a caller who may not call.

use std::convert::Infallible;

use bytes::{Buf as _, Bytes, BytesMut};
use futures::future::Fuse;
use futures::{FutureExt as _, Stream, StreamExt as _, TryStreamExt as _, stream};
use http::{HeaderMap, Response};
use http_body::Frame;
use http_body_util::{BodyDataStream, BodyExt as _, LengthLimitError, Limited, StreamBody};
use rapport_foundation::error::{Code, Failure};
use tokio::sync::oneshot;
use tonic::Status;
use tonic::body::Body;

use super::frames::{Frames, frame};
use crate::error::Rejection;

/// Told when a request body cannot be turned into messages. The call must then not go on. Asked in vain once the body
/// was read to its end.
pub(super) type Refused = Fuse<oneshot::Receiver<Failure>>;

/// Turns the text of one message into its bytes.
pub(super) trait Convert: Fn(&[u8]) -> Result<Vec<u8>, Failure> + Send + 'static {}
impl<F: Fn(&[u8]) -> Result<Vec<u8>, Failure> + Send + 'static> Convert for F {}

/// A body that is one message.
pub(super) fn one(body: Body, most: usize, convert: impl Convert) -> (Body, Refused) {
    refusable(stream::once(async move {
        let text = whole(body, most).await?;
        convert(&text)
    }))
}

/// A body with a message in each line.
pub(super) fn lines(body: Body, most: usize, convert: impl Convert) -> (Body, Refused) {
    let lines = Lines {
        body: body.into_data_stream(),
        read: BytesMut::new(),
        searched: 0,
        most,
        over: false,
    };
    refusable(stream::try_unfold(
        (lines, convert),
        async |(mut lines, convert)| {
            let Some(line) = lines.next().await? else {
                return Ok(None);
            };
            let message = convert(&line)?;
            Ok(Some((message, (lines, convert))))
        },
    ))
}

/// Messages as a gRPC body. At the first that fails the body stands still: a body that ended there would be taken
/// for a whole request.
fn refusable(
    messages: impl Stream<Item = Result<Vec<u8>, Failure>> + Send + 'static,
) -> (Body, Refused) {
    let (tell, refused) = oneshot::channel();
    let mut tell = Some(tell);
    let frames = messages.then(move |message| {
        let (frame, told) = match message {
            Ok(message) => (Some(Frame::data(frame(&message))), None),
            Err(failure) => (None, tell.take().map(|tell| tell.send(failure))),
        };
        async move {
            drop(told);
            match frame {
                Some(frame) => Ok::<_, Infallible>(frame),
                None => std::future::pending().await,
            }
        }
    });
    (Body::new(StreamBody::new(frames)), refused.fuse())
}

/// The whole of a body.
pub(super) async fn whole(body: Body, most: usize) -> Result<Bytes, Failure> {
    match Limited::new(body, most).collect().await {
        Ok(read) => Ok(read.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(most)),
        Err(_) => Err(broken()),
    }
}

fn too_large(most: usize) -> Failure {
    let limit = u32::try_from(most).unwrap_or(u32::MAX);
    Rejection::MessageTooLarge { limit }.into()
}

fn broken() -> Failure {
    Failure::new(
        Code::Cancelled,
        "BODY_BROKEN",
        "The body ended before it was complete.",
    )
}

struct Lines {
    body: BodyDataStream<Body>,
    read: BytesMut,
    /// How much of it holds no line end: a long line in small pieces is looked through once.
    searched: usize,
    most: usize,
    over: bool,
}

impl Lines {
    /// The next line that says something, without its end.
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let unsearched = self.read.iter().skip(self.searched);
            if let Some(end) = unsearched.copied().position(|byte| byte == b'\n') {
                let line = self.read.split_to(self.searched + end).freeze();
                self.read.advance(1);
                self.searched = 0;
                if !line.trim_ascii().is_empty() {
                    return Ok(Some(line));
                }
                continue;
            }
            self.searched = self.read.len();
            if self.read.len() > self.most {
                return Err(too_large(self.most));
            }
            if self.over {
                let rest = self.read.split().freeze();
                return Ok((!rest.trim_ascii().is_empty()).then_some(rest));
            }
            match self.body.try_next().await {
                Ok(Some(piece)) => self.read.extend_from_slice(&piece),
                Ok(None) => self.over = true,
                Err(_) => return Err(broken()),
            }
        }
    }
}

/// How a call with one answer ended.
pub(super) struct Ended {
    pub(super) headers: HeaderMap,
    pub(super) trailers: HeaderMap,
    pub(super) outcome: Result<Bytes, Status>,
}

/// Waits for an answer of one message. A service may begin to answer before it has read its request.
pub(super) async fn ended(response: Response<Body>, most: usize, refused: &mut Refused) -> Ended {
    let (parts, body) = response.into_parts();
    let mut ended = Ended {
        headers: parts.headers,
        trailers: HeaderMap::new(),
        outcome: Err(incomplete()),
    };
    if let Some(status) = refusal(&ended.headers) {
        ended.outcome = Err(status);
        return ended;
    }
    let read = tokio::select! {
        biased;
        Ok(failure) = refused => {
            ended.outcome = Err(failure.into());
            return ended;
        }
        read = Limited::new(body, most).collect() => read,
    };
    let Ok(read) = read else {
        return ended;
    };
    ended.trailers = read.trailers().cloned().unwrap_or_default();
    let mut frames = Frames::default();
    frames.push(&read.to_bytes());
    ended.outcome = match (Status::from_header_map(&ended.trailers), frames.next()) {
        (Some(status), _) if status.code() != tonic::Code::Ok => Err(status),
        (Some(_), Ok(Some(message))) => Ok(message),
        _ => Err(incomplete()),
    };
    ended
}

/// The status of an answer that consists of nothing else (Trailers-Only), when it is none of success.
pub(super) fn refusal(headers: &HeaderMap) -> Option<Status> {
    Status::from_header_map(headers).filter(|status| status.code() != tonic::Code::Ok)
}

fn incomplete() -> Status {
    Failure::new(
        Code::Unavailable,
        "ANSWER_INCOMPLETE",
        "The answer ended before it was complete.",
    )
    .into()
}

/// A part of an answer of many messages.
pub(super) enum Part {
    Message(Bytes),
    /// The end, when it is not a good one.
    Failed(Status),
}

/// The messages of an answer, and how it failed if it did.
pub(super) fn parts(body: Body, refused: Refused) -> impl Stream<Item = Part> + Send {
    let reading = Reading {
        body,
        frames: Frames::default(),
        refused,
        over: false,
    };
    stream::unfold(reading, async |mut reading| {
        let part = reading.next().await?;
        Some((part, reading))
    })
}

struct Reading {
    body: Body,
    frames: Frames,
    refused: Refused,
    over: bool,
}

impl Reading {
    async fn next(&mut self) -> Option<Part> {
        loop {
            if self.over {
                return None;
            }
            match self.frames.next() {
                Ok(Some(message)) => return Some(Part::Message(message)),
                Ok(None) => {}
                Err(_) => return self.fail(incomplete()),
            }
            let frame = tokio::select! {
                biased;
                Ok(failure) = &mut self.refused => return self.fail(failure.into()),
                frame = self.body.frame() => frame,
            };
            let Some(Ok(frame)) = frame else {
                return self.fail(incomplete());
            };
            match frame.into_data() {
                Ok(piece) => self.frames.push(&piece),
                Err(frame) => {
                    let trailers = frame.into_trailers().unwrap_or_default();
                    let status = Status::from_header_map(&trailers).unwrap_or_else(incomplete);
                    self.over = true;
                    return (status.code() != tonic::Code::Ok).then_some(Part::Failed(status));
                }
            }
        }
    }

    fn fail(&mut self, status: Status) -> Option<Part> {
        self.over = true;
        Some(Part::Failed(status))
    }
}
