//! Counts the frames of a connection that carry nothing: PING, SETTINGS, WINDOW_UPDATE, PRIORITY, RST_STREAM, empty DATA.
//! Each costs us work and its sender none, and the HTTP/2 library answers them for as long as they come.
//!
//! A peer has an allowance that fills up again with time, and earns more with what passes: who reads a stream at full
//! speed must open windows, and some clients measure the way with a PING for each answer. So a busy client never
//! reaches the end of it, and one that only makes noise reaches it at once.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::frames::{Frames, Head};

/// What an HTTP/2 client says first (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The time in which the allowance fills up.
const PERIOD: Duration = Duration::from_secs(10);
/// A new call may be followed by two windows and a reset.
const PER_CALL: u32 = 3;
/// A piece of an answer may be followed by two windows and a PING.
const PER_ANSWER: u32 = 3;
/// What is earned lasts only so long: an old connection has no right to a flood.
const MOST_EARNED: u32 = 10_000;
/// A DATA frame of up to this length may be nothing but padding.
const LONGEST_PADDING: u32 = 256;

/// GOAWAY, ENHANCE_YOUR_CALM, for all streams.
const CALM: [u8; 17] = [
    0, 0, 8, 7, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 11,
];

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const PADDED: u8 = 8;

/// What a peer may still send of frames that carry nothing.
#[derive(Debug)]
struct Allowance {
    most: u32,
    left: u32,
    filled: Instant,
    /// Of our own PING and SETTINGS, what was not answered yet: those answers are owed to us.
    pings: u32,
    settings: u32,
}

impl Allowance {
    fn new(most: u32) -> Self {
        Allowance {
            most,
            left: most,
            filled: Instant::now(),
            pings: 0,
            settings: 0,
        }
    }

    fn earn(&mut self, frames: u32) {
        self.left = self.left.saturating_add(frames);
        self.left = self.left.min(self.most.max(MOST_EARNED));
    }

    fn spend(&mut self, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.filled);
        let fresh = elapsed.as_millis() * u128::from(self.most) / PERIOD.as_millis();
        if let Ok(fresh @ 1..) = u32::try_from(fresh) {
            self.filled = now;
            self.left = self
                .left
                .max(self.most.min(self.left.saturating_add(fresh)));
        }
        let enough = self.left > 0;
        self.left = self.left.saturating_sub(1);
        enough
    }

    /// Whether the peer may send this frame.
    fn hears(&mut self, head: Head, now: Instant) -> bool {
        match (head.kind, head.flags) {
            (HEADERS, _) => {
                self.earn(PER_CALL);
                true
            }
            // Bounded by the library, as part of the block of headers.
            (CONTINUATION, _) => true,
            (DATA, flags) if flags & END_STREAM != 0 => true,
            (DATA, flags) if flags & PADDED == 0 && head.length > 0 => true,
            (DATA, _) if head.length > LONGEST_PADDING => true,
            (PING, flags) if flags & ACK != 0 && self.pings > 0 => {
                self.pings -= 1;
                true
            }
            (SETTINGS, flags) if flags & ACK != 0 && self.settings > 0 => {
                self.settings -= 1;
                true
            }
            _ => self.spend(now),
        }
    }

    fn says(&mut self, head: Head) {
        match (head.kind, head.flags) {
            (DATA | HEADERS, _) => self.earn(PER_ANSWER),
            (PING, flags) if flags & ACK == 0 => self.pings = self.pings.saturating_add(1),
            (SETTINGS, flags) if flags & ACK == 0 => {
                self.settings = self.settings.saturating_add(1);
            }
            _ => {}
        }
    }
}

#[derive(Debug)]
enum Speech {
    /// So much of the preface was heard.
    Beginning(usize),
    Http2,
    /// Not HTTP/2: nothing is counted.
    Other,
}

/// Both directions of a connection.
#[derive(Debug)]
pub(super) struct Meter {
    speech: Speech,
    heard: Frames,
    said: Frames,
    allowance: Allowance,
}

impl Meter {
    fn new(most: u32) -> Self {
        Meter {
            speech: Speech::Beginning(0),
            heard: Frames::default(),
            said: Frames::default(),
            allowance: Allowance::new(most),
        }
    }

    /// Whether what a peer sends is still within its allowance.
    fn hears(&mut self, mut bytes: &[u8], now: Instant) -> bool {
        if let Speech::Beginning(seen) = self.speech {
            let taken = bytes.len().min(PREFACE.len() - seen);
            let (beginning, rest) = bytes.split_at(taken);
            bytes = rest;
            self.speech = match beginning == &PREFACE[seen..seen + taken] {
                false => Speech::Other,
                true if seen + taken == PREFACE.len() => Speech::Http2,
                true => Speech::Beginning(seen + taken),
            };
        }
        if !matches!(self.speech, Speech::Http2) {
            return true;
        }
        let mut within = true;
        let allowance = &mut self.allowance;
        self.heard
            .pass(bytes, |head| within = allowance.hears(head, now) && within);
        within
    }

    fn says(&mut self, bytes: &[u8]) {
        if matches!(self.speech, Speech::Http2) {
            let allowance = &mut self.allowance;
            self.said.pass(bytes, |head| allowance.says(head));
        }
    }
}

/// A connection whose frames are counted as they pass.
pub(super) struct Metered<S> {
    io: S,
    meter: Meter,
    /// Until a peer has said enough to tell what it speaks.
    patience: Option<Pin<Box<Sleep>>>,
}

impl<S> Metered<S> {
    /// At most so many frames that carry nothing in ten seconds, and so long until it is clear what is spoken.
    pub(super) fn new(io: S, most: u32, patience: Duration) -> Self {
        Metered {
            io,
            meter: Meter::new(most),
            patience: Some(Box::pin(tokio::time::sleep(patience))),
        }
    }
}

impl<S: AsyncWrite + Unpin> Metered<S> {
    /// Says why the connection ends, where a frame may begin. A peer who does not listen will not hear it.
    fn say_calm(&mut self, cx: &mut Context<'_>) {
        if self.meter.said.at_edge() {
            let _ = Pin::new(&mut self.io).poll_write(cx, &CALM);
            let _ = Pin::new(&mut self.io).poll_flush(cx);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let late = |timer: &mut Pin<Box<Sleep>>| timer.as_mut().poll(cx).is_ready();
        if this.patience.as_mut().is_some_and(late) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(cx, buffer))?;
        let within = this.meter.hears(&buffer.filled()[before..], Instant::now());
        if !matches!(this.meter.speech, Speech::Beginning(_)) {
            this.patience = None;
        }
        if within {
            return Poll::Ready(Ok(()));
        }
        tracing::warn!("a connection was ended: it sent too many frames that carry nothing");
        this.say_calm(cx);
        Poll::Ready(Err(io::Error::other("too many control frames")))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let written = ready!(Pin::new(&mut this.io).poll_write(cx, bytes))?;
        this.meter.says(bytes.get(..written).unwrap_or(bytes));
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let written = ready!(Pin::new(&mut this.io).poll_write_vectored(cx, pieces))?;
        let mut left = written;
        for piece in pieces {
            let part = piece.len().min(left);
            this.meter.says(&piece[..part]);
            left -= part;
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, flags: u8, length: u8) -> Vec<u8> {
        let mut bytes = vec![0, 0, length, kind, flags, 0, 0, 0, 1];
        bytes.extend(vec![0; length.into()]);
        bytes
    }

    fn http2() -> Meter {
        let mut meter = Meter::new(100);
        assert!(meter.hears(PREFACE, Instant::now()));
        meter
    }

    /// How many of a frame are taken, up to ten thousand.
    fn taken(meter: &mut Meter, frame: &[u8], now: Instant) -> usize {
        (0..10_000).take_while(|_| meter.hears(frame, now)).count()
    }

    #[test]
    fn what_carries_nothing_is_taken_a_hundred_times_in_ten_seconds() {
        for (kind, flags, length) in [
            (PING, 0, 8),
            (PING, ACK, 8),
            (SETTINGS, 0, 0),
            (SETTINGS, ACK, 0),
            (8, 0, 4),
            (2, 0, 5),
            (3, 0, 4),
            (DATA, 0, 0),
            (DATA, PADDED, 3),
            (0xbe, 0, 1),
        ] {
            let frame = frame(kind, flags, length);
            let (mut meter, now) = (http2(), Instant::now());
            assert_eq!(taken(&mut meter, &frame, now), 100, "{kind} {flags}");
            let later = now + PERIOD / 2;
            assert_eq!(taken(&mut meter, &frame, later), 50, "{kind} {flags}");
            let later = now + PERIOD * 9;
            assert_eq!(taken(&mut meter, &frame, later), 100, "{kind} {flags}");
        }
    }

    #[test]
    fn who_works_never_reaches_the_end_of_it() {
        let (mut meter, now) = (http2(), Instant::now());
        for _ in 0..50_000 {
            meter.says(&frame(DATA, 0, 200));
            let answers = [frame(8, 0, 4), frame(8, 0, 4), frame(PING, 0, 8)].concat();
            assert!(meter.hears(&answers, now));
        }
        for _ in 0..50_000 {
            // Called and cancelled.
            assert!(meter.hears(&[frame(HEADERS, 4, 20), frame(3, 0, 4)].concat(), now));
        }
        for _ in 0..50_000 {
            meter.says(&[frame(PING, 0, 8), frame(SETTINGS, 0, 0)].concat());
            assert!(meter.hears(
                &[frame(PING, ACK, 8), frame(SETTINGS, ACK, 0)].concat(),
                now
            ));
            assert!(meter.hears(
                &[frame(DATA, 0, 1), frame(DATA, END_STREAM, 0)].concat(),
                now
            ));
        }
        // What was earned lasts for a while, and not for ever: the last reset took one.
        assert_eq!(taken(&mut meter, &frame(PING, 0, 8), now), 9_999);
        assert!(!meter.hears(&frame(PING, 0, 8), now));
    }

    #[test]
    fn what_is_not_http_2_is_not_counted() {
        let mut meter = Meter::new(0);
        for _ in 0..1_000 {
            assert!(meter.hears(b"PRI / HTTP/1.1\r\n\r\n\0\0\0\0\0\0\0\0\0", Instant::now()));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..2_000), piece in 1_usize..99) {
            let (mut whole, mut cut) = (http2(), http2());
            let now = Instant::now();
            let within = whole.hears(&bytes, now);
            let pieces = bytes.chunks(piece).all(|piece| cut.hears(piece, now));
            prop_assert_eq!(within, pieces);
        }
    }
}
