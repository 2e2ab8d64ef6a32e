//! Compiles the contracts with protox: no protoc is needed anywhere.

use std::{env, error::Error, fs, path::PathBuf};

#[path = "build/touches.rs"]
mod touches;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=rapport");
    println!("cargo:rerun-if-changed=third_party");

    let out = PathBuf::from(env::var("OUT_DIR")?);
    let files = contracts()?;
    let include = [".", "third_party"];

    // Comments become rustdoc, so the code is generated with source info …
    let mut documented = protox::Compiler::new(include)?;
    documented
        .include_imports(true)
        .include_source_info(true)
        .open_files(&files)?;
    fs::write(
        out.join("documented.bin"),
        documented.encode_file_descriptor_set(),
    )?;
    tonic_prost_build::configure()
        .boxed(".rapport.interactions.v1.TimelineEntry.entry.interaction")
        .boxed(".rapport.routing.v1.Offer.hand_over")
        .bytes(".rapport.interactions.v1.InteractionInput.raw_payload")
        .bytes(".rapport.interactions.v1.FactInput.raw_payload")
        .bytes(".rapport.interactions.v1.AppendUploadRequest.data")
        .bytes(".rapport.interactions.v1.StreamUploadRequest.data")
        .bytes(".rapport.interactions.v1.DownloadMediaResponse.data")
        // Servers note what passes through it.
        .codec_path("crate::touched::Codec")
        .compile_fds(documented.file_descriptor_set())?;
    fs::write(
        out.join("touches.rs"),
        touches::implementations(&documented.descriptor_pool()),
    )?;

    // … and the descriptor set that ships is written without it. It must be the compiler's own
    // encoding: a set encoded by prost has lost the custom options.
    let mut shipped = protox::Compiler::new(include)?;
    shipped
        .include_imports(true)
        .include_source_info(false)
        .open_files(&files)?;
    fs::write(
        out.join("descriptors.bin"),
        shipped.encode_file_descriptor_set(),
    )?;
    Ok(())
}

fn contracts() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("rapport")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "proto") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
