//! Where artifacts are kept.

use std::fmt::Write as _;

/// A place for artifacts that a team or several machines share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Who keeps them.
    pub service: StorageService,
    /// `bucket/prefix`, `account/container/prefix`, or a folder.
    pub place: String,
    /// Where an S3 bucket lies.
    pub region: Option<String>,
}

/// Who keeps artifacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StorageService {
    /// A folder that all machines see.
    Local,
    /// Amazon S3, or a server that speaks as it does.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

impl StorageService {
    /// Every service, by its word in a program.
    pub const NAMES: [(&'static str, Self); 4] =
        [("local", Self::Local), ("s3", Self::S3), ("gcs", Self::Google), ("azure", Self::Azure)];

    /// The scheme of its addresses.
    #[must_use]
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Local => "file:",
            Self::S3 => "s3://",
            Self::Google => "gs://",
            Self::Azure => "az://",
        }
    }

    /// The packages through which it is reached, as requirements.
    #[must_use]
    pub fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Local => &[],
            Self::S3 => &["boto3>=1.40,<2"],
            Self::Google => &["google-cloud-storage>=3.1,<4"],
            Self::Azure => &["azure-identity>=1.19,<2", "azure-storage-blob>=12.24,<13"],
        }
    }
}

impl Storage {
    /// Its address, without the region: `s3://bucket/prefix`; a relative folder is one of the project.
    #[must_use]
    pub fn uri(&self) -> String {
        let mut uri = self.service.scheme().to_owned();
        if self.place.starts_with('/') {
            uri += "//";
        }
        for byte in self.place.bytes() {
            if byte.is_ascii_alphanumeric() || b"/-._~!()*'=+,".contains(&byte) {
                uri.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(uri, "%{byte:02X}");
            }
        }
        uri
    }
}
