//! All organizations and projects, and the issues outside `globex`.

use super::{Code, Issue, Organization, Project, Template, issues_from};

pub(super) static ORGANIZATIONS: [Organization; 4] = [
    Organization {
        id: "4501",
        slug: "globex",
        name: "Globex Corporation",
        region: "us",
        teams: &["payments", "storefront", "platform"],
    },
    Organization { id: "4502", slug: "initech", name: "Initech GmbH", region: "de", teams: &["reports", "devices"] },
    Organization { id: "4503", slug: "hooli", name: "Hooli", region: "us", teams: &["nucleus"] },
    Organization { id: "4504", slug: "umbrella", name: "Umbrella Health", region: "us", teams: &["patients"] },
];

const fn project(
    id: &'static str,
    organization: &'static str,
    (slug, name): (&'static str, &'static str),
    platform: Option<&'static str>,
    team: &'static str,
    first_release: (u32, u32),
) -> Project {
    Project { id, organization, slug, name, platform, team, first_release }
}

pub(super) static PROJECTS: [Project; 11] = [
    project("610001", "globex", ("checkout-api", "Checkout API"), Some("python-django"), "payments", (2, 11)),
    project("610002", "globex", ("storefront-web", "Storefront"), Some("javascript-react"), "storefront", (14, 3)),
    project("610003", "globex", ("payments-worker", "Payments worker"), Some("go"), "payments", (1, 40)),
    project("610004", "globex", ("search-indexer", "Search indexer"), Some("rust"), "platform", (0, 8)),
    project("610005", "globex", ("test-lab", "Test lab"), None, "platform", (0, 1)),
    project("620001", "initech", ("tps-reports", "TPS reports"), Some("java-spring-boot"), "reports", (5, 0)),
    project("620002", "initech", ("printer-fleet", "Printer fleet"), Some("python"), "devices", (3, 2)),
    project("630001", "hooli", ("nucleus", "Nucleus"), Some("node-express"), "nucleus", (9, 1)),
    project("630002", "hooli", ("box-firmware", "Box firmware"), Some("rust"), "nucleus", (4, 4)),
    project("640001", "umbrella", ("patient-portal", "Patient portal"), Some("javascript-nextjs"), "patients", (7, 7)),
    project("640002", "umbrella", ("lab-results", "Lab results"), Some("python-fastapi"), "patients", (2, 0)),
];

pub(super) fn issues() -> Vec<Issue> {
    let mut issues = issues_from("tps-reports", 40, REPORTS);
    issues.extend(issues_from("printer-fleet", 310, PRINTERS));
    issues.extend(issues_from("nucleus", 77, NUCLEUS));
    issues.extend(issues_from("box-firmware", 5, FIRMWARE));
    issues.extend(issues_from("patient-portal", 220, PORTAL));
    issues.extend(issues_from("lab-results", 91, RESULTS));
    issues
}

const COVER_SHEET: Code = Code {
    module: "com.initech.reports.CoverSheetService",
    filename: "CoverSheetService.java",
    function: "attach",
    line: 112,
    snippet: &[
        "    Report report = reports.find(id).orElse(null);",
        "    CoverSheet sheet = templates.latest();",
        "    report.setCoverSheet(sheet);",
        "    return report;",
    ],
    hot: 2,
};

const REPORTS: &[Template] = &[
    Template {
        kind: "NullPointerException",
        code: Some(&COVER_SHEET),
        level: "error",
        handled: false,
        variants: &[
            (
                "Cannot invoke \"com.initech.reports.Report.setCoverSheet(CoverSheet)\" because \"report\" is null",
                Some("com.initech.reports.CoverSheetService in attach"),
            ),
            (
                "Cannot read field \"memo\" because \"this.latest\" is null",
                Some("com.initech.reports.MemoController in show"),
            ),
        ],
    },
    Template {
        kind: "SQLTransientConnectionException",
        code: Some(&COVER_SHEET),
        level: "error",
        handled: false,
        variants: &[(
            "HikariPool-1 - Connection is not available, request timed out after 30000ms.",
            Some("com.initech.reports.ReportRepository in save"),
        )],
    },
    Template {
        kind: "",
        code: None,
        level: "warning",
        handled: true,
        variants: &[("Report 1142 was sent without its cover sheet", Some("com.initech.reports.Outbox"))],
    },
];

const TRAY: Code = Code {
    module: "printers.tray",
    filename: "printers/tray.py",
    function: "load_letter",
    line: 27,
    snippet: &[
        "def load_letter(tray: Tray) -> None:",
        "    if tray.paper is not Paper.LETTER:",
        "        raise PaperMismatch(\"PC LOAD LETTER\")",
    ],
    hot: 2,
};

const PRINTERS: &[Template] = &[Template {
    kind: "PaperMismatch",
    code: Some(&TRAY),
    level: "error",
    handled: false,
    variants: &[
        ("PC LOAD LETTER", Some("printers.tray in load_letter")),
        ("A4 in tray 2, legal expected", Some("printers.tray in load_letter")),
    ],
}];

const STREAM: Code = Code {
    module: "lib/stream",
    filename: "./lib/stream.js",
    function: "Stream.compress",
    line: 58,
    snippet: &["  compress(chunk) {", "    const middle = this.window.middle;", "    return middle.out(chunk);", "  }"],
    hot: 2,
};

const NUCLEUS: &[Template] = &[
    Template {
        kind: "TypeError",
        code: Some(&STREAM),
        level: "error",
        handled: false,
        variants: &[("Cannot read properties of null (reading 'out')", Some("POST /compress"))],
    },
    Template {
        kind: "Error",
        code: Some(&STREAM),
        level: "error",
        handled: true,
        variants: &[("ECONNRESET: read ECONNRESET", Some("GET /stream/:id"))],
    },
];

const FLASH: Code = Code {
    module: "box_firmware::flash",
    filename: "src/flash.rs",
    function: "box_firmware::flash::write",
    line: 88,
    snippet: &["    let page = self.pages.next().expect(\"a free page\");", "    page.write(bytes)?;"],
    hot: 0,
};

const FIRMWARE: &[Template] = &[Template {
    kind: "panic",
    code: Some(&FLASH),
    level: "fatal",
    handled: false,
    variants: &[("a free page", Some("box_firmware::flash::write"))],
}];

const PORTAL: &[Template] = &[
    Template {
        kind: "TypeError",
        code: Some(&STREAM),
        level: "error",
        handled: false,
        variants: &[("Cannot read properties of undefined (reading 'appointments')", Some("/appointments"))],
    },
    Template {
        kind: "RangeError",
        code: Some(&STREAM),
        level: "error",
        handled: false,
        variants: &[("Invalid time value", Some("/appointments/new"))],
    },
];

const RESULTS: &[Template] = &[Template {
    kind: "ValidationError",
    code: Some(&TRAY),
    level: "error",
    handled: true,
    variants: &[
        ("1 validation error for Result: unit field required", Some("POST /results")),
        ("2 validation errors for Batch", Some("lab.tasks.ingest")),
    ],
}];
