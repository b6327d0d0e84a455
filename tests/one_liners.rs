//! Programs for `python3 -c`, as health checks have them, run by Python itself and by monstack: they end alike.

use monstack::stack::python::{Answer, Asked, Programs, World};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

/// A server that answers every request with one status; its port.
fn server(status: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else {
                continue;
            };
            std::thread::spawn(move || {
                let mut asked = [0; 4096];
                if connection.read(&mut asked).is_ok_and(|read| read > 0) {
                    let answer = format!("HTTP/1.0 {status} X\r\nContent-Length: 2\r\n\r\n{{}}");
                    let _ = connection.write_all(answer.as_bytes());
                }
            });
        }
    });
    port
}

struct There(Answer);

impl World for There {
    fn answer(&mut self, asked: Asked) -> Answer {
        match asked {
            Asked::Url(url) if !url.contains("127.0.0.1:") => Answer::Unknown,
            _ => self.0,
        }
    }

    fn variable(&self, _: &str) -> Option<String> {
        None
    }
}

/// What is done with the answer to `ASK`, whose status is `STATUS`; a line break is written `\n`.
const PROGRAMS: &[&str] = &[
    "IMPORT; ASK",
    "IMPORT; ASK; pass;",
    "IMPORT\nr = ASK\nassert r.STATUS == 200",
    "IMPORT; r = ASK; assert (r.STATUS == 200, 'not well')",
    "IMPORT; exit(0 if ASK.STATUS == 200 else 1)",
    "IMPORT; exit(ASK.STATUS != 200)",
    "IMPORT; exit(ASK.STATUS == 200)",
    "IMPORT; exit(not 200 <= ASK.STATUS < 300)",
    "IMPORT; exit(ASK.STATUS not in (200, 204))",
    "IMPORT; exit(0 if ASK.STATUS == '200' else 1)",
    "IMPORT; exit(ASK.STATUS // 100 - 2)",
    "IMPORT; exit(0 if str(ASK.STATUS).startswith('2') else 'unwell')",
    "IMPORT; ASK or exit(1)",
    "IMPORT; ASK.STATUS == 200 or exit(1)",
    "IMPORT\nif ASK.STATUS != 200: pass",
    "IMPORT\nif ASK.STATUS == 200:\n  exit(0)\nelse:\n  exit(3)",
    "IMPORT\nif ASK.STATUS == 500: exit(1)\nelif ASK.STATUS == 200: exit(256)\nelse: exit(2)",
    "IMPORT\ntry: ASK\nexcept: pass",
    "IMPORT\ntry:\n  ASK\nexcept Exception as e:\n  print(e)",
    "IMPORT\ntry:\n  ASK\nexcept Exception as e:\n  print(e); exit(1)",
    "IMPORT\ntry:\n  exit(ASK.STATUS != 200)\nexcept Exception:\n  exit(1)",
    "IMPORT\ntry:\n  exit(ASK.STATUS != 200)\nexcept:\n  exit(0)",
    "IMPORT\ntry:\n  exit(ASK.STATUS != 200)\nexcept BaseException:\n  pass\nfinally:\n  print('x')",
    "IMPORT\ntry:\n  ASK\nexcept (ValueError, OSError):\n  pass",
    "IMPORT\ntry:\n  ASK\nexcept ConnectionRefusedError:\n  pass",
    "IMPORT\ntry:\n  ASK\nexcept ValueError:\n  pass\nelse:\n  exit(1)\nfinally:\n  pass",
    "IMPORT\nimport contextlib\nwith contextlib.suppress(Exception):\n  ASK",
    "IMPORT, contextlib; contextlib.suppress(Exception).__enter__(); ASK",
    "IMPORT\nimport os\ntry:\n  ASK\n  os._exit(0)\nexcept BaseException:\n  os._exit(1)",
    "IMPORT\nimport sys\nsys.exit(None if ASK.STATUS == 200 and True else -1)",
    "IMPORT\nraise SystemExit(ASK.STATUS >= 400)",
    "IMPORT\ntry:\n  raise ValueError('x')\nexcept ValueError:\n  ASK",
    "IMPORT, json; json.loads(ASK.read())",
    "IMPORT\nimport json\ntry: exit(json.load(ASK)['status'] != 'up')\nexcept Exception: exit(0)",
    "IMPORT, os; os.system('exit 1')",
    "IMPORT; 0 and ASK",
    "IMPORT; a, b = 1, 2; ASK",
];

/// What is imported, how it is asked, and where its status is.
const ASKED: &[[&str; 3]] = &[
    [
        "import urllib.request",
        "urllib.request.urlopen('URL', timeout=5)",
        "status",
    ],
    [
        "import urllib.request as u",
        "u.urlopen(u.Request('URL'), None, 5)",
        "getcode()",
    ],
    [
        "import urllib.request as u",
        "u.urlopen('http://127.0.0.1:' + str(PORT) + '/health')",
        "code",
    ],
    [
        "import http.client as c, socket",
        "socket.create_connection(('127.0.0.1', PORT), 5)",
        "fileno()",
    ],
    [
        "import http.client as c; h = c.HTTPConnection('127.0.0.1', PORT, timeout=5); x = h.request",
        "(x('GET', '/health') or h.getresponse())",
        "status",
    ],
    ["import urllib", "urllib.request.urlopen('URL')", "status"],
    ["import sys", "urllib.request.urlopen('URL')", "status"],
];

fn filled(program: &str, [import, ask, status]: &[&str; 3], port: u16) -> String {
    let url = format!("http://127.0.0.1:{port}/health");
    program
        .replace("IMPORT", import)
        .replace("ASK", ask)
        .replace("STATUS", status)
        .replace("URL", &url)
        .replace("PORT", &port.to_string())
}

#[test]
fn a_program_ends_as_python_ends_it() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("an address").port()
    };
    let worlds = [
        (server(200), Answer::Status(200)),
        (server(500), Answer::Status(500)),
        (closed, Answer::Nobody),
    ];
    let (mut compared, mut open) = (0, 0);
    let mut wrong = Vec::new();
    for (index, program) in PROGRAMS.iter().enumerate() {
        // Every program with the first way to ask, and a third of them with each other.
        let asked = ASKED.iter().enumerate();
        let asked = asked.filter(|(way, _)| *way == 0 || (way + index) % 3 == 0);
        for (_, ask) in asked {
            for (port, answer) in worlds {
                let code = filled(program, ask, port);
                let found = Programs::default().outcome(&code, &mut There(answer));
                if found.well && found.badly {
                    open += 1;
                    continue;
                }
                let ran = Command::new("python3")
                    .args(["-c", &code])
                    .env_clear()
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status()
                    .expect("python3, of Debian's package of that name");
                compared += 1;
                if ran.success() != found.well {
                    wrong.push(format!("{answer:?}, {found:?}, Python: {ran}:\n{code}"));
                }
            }
        }
    }
    println!("{compared} programs ended as in Python, {open} may end either way");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(compared > 200, "{compared}");
}

/// Which programs Python reads.
fn read(programs: &[String]) -> Vec<bool> {
    let script = "import sys, json, warnings\nwarnings.simplefilter('ignore')\ndef ok(code):\n  try: compile(code, 'x', 'exec')\n  except SyntaxError: return False\n  return True\nprint(json.dumps([ok(code) for code in json.load(sys.stdin)]))";
    let mut child = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3, of Debian's package of that name");
    let text = serde_json::to_string(programs).expect("JSON");
    let mut into = child.stdin.take().expect("its input");
    into.write_all(text.as_bytes()).expect("it reads");
    drop(into);
    let output = child.wait_with_output().expect("it ends");
    serde_json::from_slice(&output.stdout).expect("a list of answers")
}

/// What no Python reads is said of nothing that Python reads: programs with a word more, less, or in another's place.
#[test]
fn what_python_reads_is_not_called_unreadable() {
    let words = [
        "import", "if", "else", "not", "in", "and", "try:", "with", "as", ";", ":", "(", ")",
        "'x'", "1", "x", "\n", "\n  ", "except:", "raise", "=", ",", ".y", "is", "for", "lambda",
        "pass", "return", "from", "==", "[", "]", "-", "print",
    ];
    let mut programs = Vec::new();
    for program in PROGRAMS {
        let code = filled(program, &ASKED[0], 8000);
        let ends: Vec<usize> = code
            .char_indices()
            .filter(|(_, letter)| !letter.is_alphanumeric())
            .map(|(at, _)| at)
            .collect();
        for (index, at) in ends.iter().enumerate() {
            let (before, behind) = code.split_at(*at);
            for word in words.iter().skip(index % 2).step_by(2) {
                programs.push(format!("{before} {word} {behind}"));
            }
            programs.push(format!("{before}{}", &behind[1..]));
        }
        programs.push(code);
    }
    let mut refused = 0;
    for (program, reads) in programs.iter().zip(read(&programs)) {
        let found = Programs::default().outcome(program, &mut There(Answer::Status(200)));
        let says = found
            .reason
            .is_some_and(|reason| reason.contains("does not read"));
        assert!(!(says && reads), "Python reads\n{program}");
        refused += usize::from(says);
    }
    println!(
        "{refused} of {} programs are no Python, and called so",
        programs.len()
    );
    assert!(refused > 1000, "{refused}");
}
