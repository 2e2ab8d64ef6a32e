//! Where HTTP/2 frames begin in bytes that arrive in pieces of any size (RFC 9113, 4.1).

/// Length of what stands before each frame.
const HEAD: usize = 9;

/// What stands before a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) length: u32,
}

/// Follows one direction of a connection. Nothing of a frame is kept but its head.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; HEAD],
    seen: usize,
    /// What is left of the frame that passes.
    left: u32,
}

impl Frames {
    /// Shows the head of every frame that is complete with these bytes.
    pub(super) fn pass(&mut self, mut bytes: &[u8], mut each: impl FnMut(Head)) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let passed = bytes.len().min(self.left as usize);
                bytes = &bytes[passed..];
                // Not more than `left`, which is one.
                self.left -= u32::try_from(passed).unwrap_or(self.left);
                continue;
            }
            let taken = bytes.len().min(HEAD - self.seen);
            self.head[self.seen..self.seen + taken].copy_from_slice(&bytes[..taken]);
            self.seen += taken;
            bytes = &bytes[taken..];
            if self.seen == HEAD {
                let [a, b, c, kind, flags, ..] = self.head;
                self.left = u32::from_be_bytes([0, a, b, c]);
                self.seen = 0;
                each(Head {
                    kind,
                    flags,
                    length: self.left,
                });
            }
        }
    }

    /// Whether the last frame is complete, so that another one may begin here.
    pub(super) fn at_edge(&self) -> bool {
        self.seen == 0 && self.left == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn frames_are_found_however_the_bytes_are_cut(
            frames in prop::collection::vec((any::<u8>(), any::<u8>(), 0_u32..300), 0..20),
            piece in 1_usize..50,
        ) {
            let mut bytes = Vec::new();
            for (kind, flags, length) in &frames {
                bytes.extend(&length.to_be_bytes()[1..]);
                bytes.extend([*kind, *flags, 0, 0, 0, 1]);
                bytes.extend(vec![7; *length as usize]);
            }
            let (mut follower, mut found) = (Frames::default(), Vec::new());
            for piece in bytes.chunks(piece) {
                follower.pass(piece, |head| found.push((head.kind, head.flags, head.length)));
            }
            prop_assert_eq!(found, frames);
            prop_assert!(follower.at_edge());
        }

        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let mut heads = 0;
            Frames::default().pass(&bytes, |_| heads += 1);
            prop_assert!(heads <= bytes.len() / HEAD);
        }
    }
}
