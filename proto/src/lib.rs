//! The contracts of Rapport: generated code, and the descriptor set that carries every policy.
//!
//! Nothing here is written by hand but this page and [`touched`]. The sources are `proto/rapport/**/*.proto`.

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

pub mod touched;

/// The contracts as a `google.protobuf.FileDescriptorSet`, custom options included.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The same with comments: for tests and documents, never sent.
pub const DOCUMENTED_DESCRIPTOR_SET: &[u8] =
    include_bytes!(concat!(env!("OUT_DIR"), "/documented.bin"));

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("the build wrote a valid descriptor set")
});

/// The contracts, decoded once.
pub fn pool() -> &'static DescriptorPool {
    &POOL
}

/// Marks on methods and fields.
pub mod options {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("rapport.options.v1");
    }
}

/// What several contracts share.
pub mod types {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("rapport.types.v1");
    }
}

/// What happened, as the logs carry it.
pub mod events {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("rapport.events.v1");
    }
}

/// Tenants.
pub mod access {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("rapport.access.v1");
    }
}

/// Customers.
pub mod profiles {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("rapport.profiles.v1");
    }
}

/// The interaction log.
pub mod interactions {
    /// Version 1.
    pub mod v1 {
        #![expect(
            clippy::doc_lazy_continuation,
            clippy::large_enum_variant,
            reason = "generated from comments and messages that read well as they are"
        )]
        tonic::include_proto!("rapport.interactions.v1");
    }
}

/// Tickets, work items, agents and queues.
pub mod routing {
    /// Version 1.
    pub mod v1 {
        #![expect(
            clippy::doc_lazy_continuation,
            clippy::large_enum_variant,
            reason = "generated from comments and messages that read well as they are"
        )]
        tonic::include_proto!("rapport.routing.v1");
    }
}

/// Programmes and the ledger.
pub mod loyalty {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("rapport.loyalty.v1");
    }
}
