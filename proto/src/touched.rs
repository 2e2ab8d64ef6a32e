//! Which resources a call touches, by construction: every message names its own, and servers note what they read and
//! answer as it passes. No handler has to remember it.

use std::cell::RefCell;
use std::marker::PhantomData;

use prost::Message;
use tonic::Status;
use tonic::codec::{self, BufferSettings, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic_prost::{ProstDecoder, ProstEncoder};

/// A message that can say which resources it names. Generated for every message of the contracts.
pub trait Touches {
    /// Whether it is a request: servers read those, clients write them.
    const ASKS: bool;

    /// Offers every field that may hold an id of a resource.
    fn touches(&self, to: &mut dyn Collector);
}

/// What ids are offered to. It is offered whatever callers put into such a field: it must know what an id looks like.
pub trait Collector: std::any::Any + Send {
    /// Takes an id, or leaves it.
    fn note(&mut self, id: &str);
}

thread_local! {
    /// What the call that is being worked on notes its ids in.
    static COLLECTOR: RefCell<Option<Box<dyn Collector>>> = const { RefCell::new(None) };
}

/// Runs one step of a call: what its messages name meanwhile goes to this collector, and to no other.
pub fn noting<R>(collector: &mut Option<Box<dyn Collector>>, step: impl FnOnce() -> R) -> R {
    struct Back<'a>(&'a mut Option<Box<dyn Collector>>);
    impl Drop for Back<'_> {
        fn drop(&mut self) {
            COLLECTOR.with_borrow_mut(|current| std::mem::swap(current, self.0));
        }
    }
    COLLECTOR.with_borrow_mut(|current| std::mem::swap(current, collector));
    // Also when the step panics.
    let _back = Back(collector);
    step()
}

fn note(message: &impl Touches) {
    COLLECTOR.with_borrow_mut(|current| {
        if let Some(collector) = current {
            message.touches(collector.as_mut());
        }
    });
}

/// Protobuf as tonic reads and writes it, which notes what servers read and answer. Clients use the same code, which
/// for them does nothing more: their requests are asked elsewhere.
#[derive(Debug, Clone)]
pub struct Codec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> codec::Codec for Codec<T, U>
where
    T: Message + Touches + Send + 'static,
    U: Message + Touches + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = Answers<T>;
    type Decoder = Requests<U>;

    fn encoder(&mut self) -> Answers<T> {
        Answers(ProstEncoder::default())
    }

    fn decoder(&mut self) -> Requests<U> {
        Requests(ProstDecoder::default())
    }
}

/// Writes messages; notes what answers name.
#[derive(Debug, Clone)]
pub struct Answers<T>(ProstEncoder<T>);

impl<T: Message + Touches> Encoder for Answers<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, item: T, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        if !T::ASKS {
            note(&item);
        }
        self.0.encode(item, buf)
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}

/// Reads messages; notes what requests name.
#[derive(Debug, Clone)]
pub struct Requests<U>(ProstDecoder<U>);

impl<U: Message + Touches + Default> Decoder for Requests<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let message = self.0.decode(buf)?;
        if U::ASKS
            && let Some(message) = &message
        {
            note(message);
        }
        Ok(message)
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}

include!(concat!(env!("OUT_DIR"), "/touches.rs"));
