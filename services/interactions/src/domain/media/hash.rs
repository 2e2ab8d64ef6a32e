//! SHA-256 that can be set down between two pieces and taken up by another replica: what is read of a file is its
//! pieces, each on its own, and nobody has to read all of them again to know the hash of the whole.

/// Bytes of one block.
const BLOCK: usize = 64;
/// FIPS 180-4, 5.3.3.
const FIRST: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// A SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).ok()?;
        Some(Self(hash))
    }
}

impl std::fmt::Display for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// The hash of what is there so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashing {
    /// More is to come: the state between two blocks, and how many bytes it is over.
    On([u32; 8], u64),
    /// All is there.
    Done(Sha256),
}

impl Default for Hashing {
    fn default() -> Self {
        Self::On(FIRST, 0)
    }
}

impl Hashing {
    /// The hash with the next piece, which is the last or ends with a block. Bytes behind the last are not taken.
    #[must_use]
    pub fn over(self, piece: &[u8], last: bool) -> Self {
        let Self::On(mut state, before) = self else {
            return self;
        };
        let (blocks, rest) = piece.as_chunks::<BLOCK>();
        sha2::block_api::compress256(&mut state, blocks);
        let bytes = before + piece.len() as u64;
        if !last {
            return Self::On(state, bytes);
        }
        // One bit, zeros up to the end of a block, the length in bits.
        let mut end = rest.to_vec();
        end.push(0x80);
        while end.len() % BLOCK != BLOCK - 8 {
            end.push(0);
        }
        end.extend_from_slice(&(bytes * 8).to_be_bytes());
        sha2::block_api::compress256(&mut state, end.as_chunks::<BLOCK>().0);
        let mut hash = [0; 32];
        for (out, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(state) {
            *out = word.to_be_bytes();
        }
        Self::Done(Sha256(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed(pieces: &[&[u8]]) -> String {
        let mut hashing = Hashing::default();
        for (n, piece) in pieces.iter().enumerate() {
            hashing = hashing.over(piece, n + 1 == pieces.len());
        }
        match hashing {
            Hashing::Done(hash) => hash.to_string(),
            Hashing::On(..) => String::new(),
        }
    }

    /// NIST's examples, and lengths around the border of the padding.
    #[test]
    fn known_hashes_come_out_however_the_bytes_are_cut() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hashed(&[b"abc"]), abc);
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hashed(&[b""]), empty);
        let million = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
        let bytes = vec![b'a'; 1_000_000];
        assert_eq!(hashed(&[&bytes]), million);
        let (first, rest) = bytes.split_at(64 * 1000);
        let (second, third) = rest.split_at(64);
        assert_eq!(hashed(&[first, second, third]), million);
        // The padding begins in the last block, fills one of its own, or follows whole blocks.
        let counted: Vec<u8> = (0..64).collect();
        for (length, hash) in [
            (
                55,
                "463eb28e72f82e0a96c0a4cc53690c571281131f672aa229e0d45ae59b598b59",
            ),
            (
                56,
                "da2ae4d6b36748f2a318f23e7ab1dfdf45acdc9d049bd80e59de82a60895f562",
            ),
            (
                63,
                "29af2686fd53374a36b0846694cc342177e428d1647515f078784d69cdb9e488",
            ),
            (
                64,
                "fdeab9acf3710362bd2658cdc9a29e8f9c757fcf9811603a8c447cd1d9151108",
            ),
        ] {
            assert_eq!(hashed(&[&counted[..length]]), hash, "{length}");
        }
    }

    #[test]
    fn a_hash_is_read_and_written_as_hexadecimal_digits() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            Sha256::parse(abc).map(|hash| hash.to_string()).as_deref(),
            Some(abc)
        );
        assert_eq!(Sha256::parse(&abc.to_uppercase()), Sha256::parse(abc));
        for text in ["", "ba78", &abc.replace('b', "g"), &format!("{abc}00")] {
            assert_eq!(Sha256::parse(text), None, "{text}");
        }
    }
}
