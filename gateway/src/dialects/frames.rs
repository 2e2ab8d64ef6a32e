//! Messages on the gRPC wire: a byte that says whether it is compressed, four that say how long it is, and the message.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

const PREFIX: usize = 5;

/// One message as it stands on the wire.
pub(super) fn frame(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(0);
    // A message is bounded far below 4 GiB before it comes here.
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put_slice(message);
    framed.freeze()
}

/// Puts messages together from the pieces that arrive.
#[derive(Default)]
pub(super) struct Frames(BytesMut);

/// A message that cannot be read: compressed, which we never ask for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Compressed;

impl Frames {
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.0.extend_from_slice(piece);
    }

    /// The next whole message, if it has arrived.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, Compressed> {
        let Some((&[flag, a, b, c, d], _)) = self.0.split_first_chunk::<PREFIX>() else {
            return Ok(None);
        };
        if flag != 0 {
            return Err(Compressed);
        }
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if self.0.len() - PREFIX < length {
            return Ok(None);
        }
        self.0.advance(PREFIX);
        Ok(Some(self.0.split_to(length).freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_put_together_from_any_pieces() {
        let wire = [frame(b"one"), frame(b""), frame(b"three")].concat();
        for size in 1..wire.len() {
            let (mut frames, mut messages) = (Frames::default(), Vec::new());
            for piece in wire.chunks(size) {
                frames.push(piece);
                while let Ok(Some(message)) = frames.next() {
                    messages.push(message);
                }
            }
            assert_eq!(messages, [&b"one"[..], b"", b"three"], "pieces of {size}");
        }
    }

    #[test]
    fn a_compressed_message_is_not_taken_for_a_plain_one() {
        let mut frames = Frames::default();
        frames.push(&[1, 0, 0, 0, 0]);
        assert_eq!(frames.next(), Err(Compressed));
    }
}
