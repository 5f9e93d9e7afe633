//! A program with folds, with a step that fails the first time, and with an entry point of its own, which tells when it is done.

use mlpc_tests::project::Project;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

const PROGRAM: &str = r#"/// Will this ride be late?
pipeline rides { seed = 7 }

/// One row per ride.
dataset trips {
  source = csv("trips.csv")
  key    = id
  schema { id: int, distance: float in 0.0.., late: bool as ["0", "1"] }
  expect { rows in 100.. }
}

/// What is known when a ride starts.
features started from trips {
  column z = standardize(distance)
  label  late
}

split parts of started { by = random, folds = 3, test = 30% }

train model { trainer = sklearn.logistic_regression(max_iter: 200), data = parts }

evaluate folded of model {
  metrics = [roc_auc]
  on      = validation
}

evaluate report of model { metrics = [roc_auc] }

gate release on report { require roc_auc >= 0.6 }

register late_rides from model { requires = release }

step unsure {
  outputs { word: file("word.txt") }
  run     = shell("test -e MARK || (touch MARK; exit 1) || exit 1; echo done > {word}")
  retry   = retry(attempts: 2, backoff: exponential(1s, max: 1m))
  timeout = 5m
}

predict daily of late_rides {
  output   = csv("scores.csv")
  schedule = cron("0 5 29 2 *", timezone: "Europe/Vienna")
  notify   = slack(webhook: secret("DAILY"), on: [success, failure])
}
"#;

/// The program with its data.
pub fn project() -> Project {
    let project = Project::of("");
    let mark = project.path.join("mark");
    project.write("main.mlp", PROGRAM.replace("MARK", mark.to_str().unwrap()));
    let row = |at: usize| {
        let distance = (at * 37) % 41;
        format!("{at},{distance}.5,{}\n", u8::from(distance + at % 9 > 24))
    };
    project.write("trips.csv", "id,distance,late\n".to_owned() + &(0..400).map(row).collect::<String>());
    project.lock();
    project
}

/// A server that takes one message, and its address.
pub fn channel() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let (mut text, mut buffer) = (String::new(), [0; 4096]);
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            text += &String::from_utf8_lossy(&buffer[..count]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").unwrap();
        send.send(text).unwrap();
    });
    (address, receive)
}
