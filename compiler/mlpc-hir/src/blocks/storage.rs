//! `storage = s3("bucket/prefix", region: "eu-west-1")` of a pipeline or a profile: where artifacts are kept.

use super::Context;
use crate::consts::{dotted, literal};
use crate::entries::call_of;
use crate::errors;
use crate::library::setting;
use crate::typed::{Const, Finding, Storage, StorageService};
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::{Arg, BlockDecl, Entry, Expr};

/// The storage of the pipeline as the selected profile has it, and that of every profile, each once: a lock holds what
/// all of them need. All are checked, whichever is selected.
pub fn storage(context: &mut Context<'_>, declared: &BlockDecl, merged: &BlockDecl) -> (Option<Storage>, Vec<Storage>) {
    let profiles = declared.entries.iter().filter_map(|entry| match entry {
        Entry::Block(block) if block.kind.text == "profile" => Some(block),
        _ => None,
    });
    let mut all = Vec::new();
    for expr in std::iter::once(declared).chain(profiles).filter_map(|decl| setting(decl, "storage")) {
        match read(expr) {
            Ok(Some(found)) if !all.contains(&found) => all.push(found),
            Ok(_) => {}
            Err(finding) => context.findings.push(*finding),
        }
    }
    let selected = setting(merged, "storage").and_then(|expr| read(expr).ok().flatten());
    (selected, all)
}

/// What is wrong with an address, and how names are made.
type Problem = Option<(String, &'static str)>;

fn read(expr: &Expr) -> Result<Option<Storage>, Box<Finding>> {
    if dotted(expr).as_deref() == Some("embedded") {
        return Ok(None);
    }
    let form = || Box::new(errors::storage_form(expr.span));
    let (name, args, _) = call_of(expr).ok_or_else(form)?;
    let known = StorageService::NAMES.into_iter().find(|(word, _)| *word == name);
    let (word, service) = known.ok_or_else(form)?;
    let (mut place, mut region) = (None, None);
    for arg in args {
        let text = match literal(&arg.value) {
            Some(Const::Str(text)) => text,
            _ => return Err(unreadable(word, arg)),
        };
        match arg.name.as_ref().map(|name| name.text.as_str()) {
            None if place.is_none() => place = Some((text, arg.value.span)),
            Some("region") if service == StorageService::S3 => region = Some((text, arg.value.span)),
            _ => return Err(unknown(word, service, arg)),
        }
    }
    let (place, span) = place.ok_or_else(form)?;
    let place = checked(word, service, &place, span)?;
    if let Some((region, span)) = region.as_ref().filter(|(region, _)| !is_region(region)) {
        let message = format!("{region:?} is no region");
        return Err(Box::new(errors::bad_value(message, "as `\"eu-west-1\"`", *span)));
    }
    Ok(Some(Storage { service, place, region: region.map(|(region, _)| region) }))
}

/// An argument that is no text; one that would be a secret is refused whatever it is.
fn unreadable(word: &str, arg: &Arg) -> Box<Finding> {
    match &arg.name {
        Some(name) if is_secret(&name.text) => Box::new(errors::storage_credentials(arg.value.span)),
        name => {
            let what = name.as_ref().map_or(word, |name| name.text.as_str());
            Box::new(errors::wrong_form(what, "a text", arg.value.span))
        }
    }
}

fn unknown(word: &str, service: StorageService, arg: &Arg) -> Box<Finding> {
    let Some(name) = &arg.name else {
        return Box::new(errors::wrong_form(word, "one address", arg.value.span));
    };
    if is_secret(&name.text) {
        return Box::new(errors::storage_credentials(arg.value.span));
    }
    let known: &[&str] = if service == StorageService::S3 { &["region"] } else { &[] };
    Box::new(errors::unknown_setting(word, &name.text, known.iter().copied(), name.span))
}

fn is_secret(name: &str) -> bool {
    ["key", "secret", "token", "password", "credential", "sas", "connection"].iter().any(|word| name.contains(word))
}

/// The address without a slash at its end, if the service could have such a one.
fn checked(word: &str, service: StorageService, text: &str, span: Span) -> Result<String, Box<Finding>> {
    if service != StorageService::Local && (text.contains('@') || text.contains('?') || text.contains("AccountKey=")) {
        return Err(Box::new(errors::storage_credentials(span)));
    }
    if let Some((_, rest)) = text.split_once("://") {
        return Err(Box::new(errors::storage_scheme(word, rest, span)));
    }
    let place = if text == "/" { text } else { text.trim_end_matches('/') };
    let problem = match service {
        StorageService::Local => folder(place),
        StorageService::S3 => bucket(place, s3_bucket),
        StorageService::Google => bucket(place, google_bucket),
        StorageService::Azure => container(place),
    };
    match problem {
        Some((message, names)) => Err(Box::new(errors::storage_name(message, names, span))),
        None => Ok(place.to_owned()),
    }
}

fn folder(place: &str) -> Problem {
    let wrong = place.is_empty() || place.split('/').any(|part| part == "..") || place.contains('\0');
    wrong.then(|| {
        (format!("{place:?} is no folder"), "a folder of the project, as `\"artifacts\"`, or an absolute path")
    })
}

/// The bucket's own name is judged by `names`, what follows it by what every service and shell takes as it is.
fn bucket(place: &str, names: fn(&str) -> Problem) -> Problem {
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    names(bucket).or_else(|| self::prefix(prefix))
}

fn prefix(prefix: &str) -> Problem {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-._~!()*'=+,".contains(letter);
    let fine = |part: &str| !["", ".", ".."].contains(&part) && part.chars().all(plain);
    if prefix.is_empty() || (prefix.len() <= 512 && prefix.split('/').all(fine)) {
        return None;
    }
    let names = "parts between `/` are letters, digits and `-._~!()*'=+,`, at most 512 in all";
    Some((format!("{prefix:?} is no prefix of keys"), names))
}

/// Letters, digits and `others`, a letter or digit at both ends.
fn is_name(text: &str, lengths: std::ops::RangeInclusive<usize>, others: &str) -> bool {
    let small = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    lengths.contains(&text.len())
        && text.chars().all(|letter| small(letter) || others.contains(letter))
        && text.starts_with(small)
        && text.ends_with(small)
}

fn is_address(text: &str) -> bool {
    text.split('.').count() == 4 && text.split('.').all(|part| part.parse::<u8>().is_ok())
}

fn s3_bucket(name: &str) -> Problem {
    let kept = ["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|start| name.starts_with(start))
        || ["-s3alias", "--ol-s3", ".mrap", "--x-s3"].iter().any(|end| name.ends_with(end));
    let fine = is_name(name, 3..=63, "-.") && !name.contains("..") && !is_address(name) && !kept;
    let names =
        "3 to 63 small letters, digits, `-` and `.`; a letter or digit at both ends; no IP address, no reserved word";
    (!fine).then(|| (format!("{name:?} is no name of an S3 bucket"), names))
}

fn google_bucket(name: &str) -> Problem {
    let fine = is_name(name, 3..=222, "-_.")
        && name.split('.').all(|part| (1..=63).contains(&part.len()))
        && !is_address(name)
        && !name.starts_with("goog")
        && !name.contains("google");
    let names =
        "3 to 63 small letters, digits, `-`, `_` and `.`; a letter or digit at both ends; nothing with `google`";
    (!fine).then(|| (format!("{name:?} is no name of a bucket of Google Cloud Storage"), names))
}

fn container(place: &str) -> Problem {
    let mut parts = place.splitn(3, '/');
    let (account, container) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if !is_name(account, 3..=24, "") {
        return Some((format!("{account:?} is no name of a storage account"), "3 to 24 small letters and digits"));
    }
    if !is_name(container, 3..=63, "-") || container.contains("--") {
        let names =
            "after the account, 3 to 63 small letters, digits and single `-`: `azure(\"account/container/prefix\")`";
        return Some((format!("{container:?} is no name of a container"), names));
    }
    prefix(parts.next().unwrap_or_default())
}

fn is_region(text: &str) -> bool {
    is_name(text, 2..=32, "-") && text.contains('-')
}
