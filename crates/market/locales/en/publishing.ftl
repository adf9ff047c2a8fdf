acquisitions = Acquisitions
advice-count = { $count ->
    [one] One rule more has advice.
   *[other] { $count } rules more have advice.
}
advice-title = Advice, which hinders nothing
ask-for-help = Ask for help with this step: { $step }
back = Back
cancel-draft-stays = The draft stays as it is; you can publish it again.
cancel-live-stays = What is live stays live, unchanged.
cancel-now = Cancel the submission
cancel-preview-goes = What was staged is withdrawn: the customers of the preview cannot see or pull it any more.
cancel-question = Cancel submission { $number } of { $name }?
cancel-submission = Cancel
compare = Compare
compare-with-live = Compare with what is live
edit-field = Edit the field
edit-offer = Edit the offer
failure-report = What hinders the publication
failures-count = { $count ->
    [0] Nothing hinders it.
    [one] One rule hinders it. All that was found is below.
   *[other] { $count } rules hinder it. All that was found is below.
}
findings-more = { $count ->
    [one] And one more; the whole report has all.
   *[other] And { $count } more; the whole report has all.
}
fix-label = To mend it:
go-live-now = Go live now
go-live-preview-ends = The preview ends: its customers use the live offer.
go-live-question = Let submission { $number } of { $name } go live?
go-live-regions = The images go to every required region; each digest is verified there.
go-live-tags = Then the offer is listed, and these tags point at the new images, for everybody at once.
go-live-versions = This cannot be undone: a version that was live keeps its digest for ever, and a new one must be greater.
newest-submission = Go to the newest submission: { $number }
next-live = It is live.
next-look-at-preview = Look at the preview, then let it go live.
next-mend = Mend what is listed below in the draft, then publish it again. What was checked and has not changed is not checked again.
next-overdue = A step is overdue. A ticket was opened by itself; you can write in it.
next-publish-again = The draft is as it was. You can publish it again.
next-wait = This takes a while; the page moves by itself, and you can leave it.
offer = Offer
place-label = Where:
publish-again = Publish the draft again
rule-broken = Rule { $rule }
rule-none = Found on the way
see-report = See what was found
standing-behind = behind
standing-holding = holds everything
standing-live = live
standing-removed = no region any more
standing-waiting = waits
step-at-most = At most { $time }.
step-certification-what = Every image of every plan is checked against the certification criteria.
step-live-what = The listing and the tags move to the new version.
step-messages = { $count ->
    [one] One message
   *[other] { $count } messages
}
step-no-maximum = Waits as long as you like.
step-packaging-what = Images, SBOMs and reports are staged for the preview, and the lead destination is verified.
step-publisher-signoff-what = The preview waits for the publisher to go live.
step-replication-what = The offer is brought to every required region and verified by digest.
step-since = Runs since { $when }.
step-took = Took { $time }.
step-validate-prerequisites-what = The offer’s fields and settings are checked, and the image repository is asked for every tag.
steps = Steps
submitted-by = Published by { $who } on { $when }
ticket = Ticket
ticket-answer = Send
ticket-automatic = opened by itself, because the step was overdue
ticket-by = Opened by
ticket-changed = Last change
ticket-close = Close the ticket
ticket-closed-hint = This ticket is closed. Open a new one from the step that is stuck.
ticket-lead = The operators of the marketplace see the submission and its messages; say what you tried, what you saw, and what you expected.
ticket-new = Ask for help
ticket-no-step = The form names no step.
ticket-no-step-hint = Choose one of the six steps.
ticket-send = Send
ticket-state = State
ticket-state-answered = answered
ticket-state-closed = closed
ticket-state-open = open
ticket-step = Step
ticket-text = Your message
ticket-text-rule = Plain text, 1 to { $limit } characters. No passwords or tokens.
ticket-title = Help with { $step } of { $name }
tickets = Support tickets
tickets-all = All
tickets-answered = Answered
tickets-closed = Closed
tickets-empty = There is no ticket here. One is opened from a step of a submission that is stuck.
tickets-open = Open
tickets-state = State of the tickets
whole-report = The whole report of plan { $plan }
action-canceled = cancelled
action-deadline-lifted = mended: the date is lifted
action-draft-changed = changed the draft
action-draft-created = made the draft
action-draft-deleted = deleted the draft
action-failed = the publication failed
action-hidden = hidden from the catalogue
action-imported = imported
action-live = went live
action-published = published
action-recertification-failed = failed when it was judged again
action-recertified = judged again
action-rejected = rejected by a certifier
action-selling-restored = sold again
action-selling-stopped = stopped selling
action-step-overdue = a step is overdue
action-superseded = superseded by a newer submission
action-ticket-closed = closed a ticket
action-ticket-opened = opened a ticket
action-waits-for-approval = waits for a certifier
action-waiver-added = waived findings
action-waiver-removed = removed a waiver
action-went-live = signed off
action-withdrawn = withdrawn by its own marketplace
compare-absent = not there
compare-added = added
compare-after = After
compare-before = Before
compare-change = Change
compare-changed = changed
compare-field = Field
compare-fields = Fields
compare-file = File
compare-findings = Findings of plan { $plan }
compare-findings-count = New: { $new }. Fixed: { $fixed }. In both: { $kept }.
compare-fixed = Fixed
compare-from = From
compare-listed = listed
compare-live = What is live
compare-moved = moved
compare-new = New
compare-nothing = There is no earlier version to compare with.
compare-nothing-hint = Choose two versions, or publish the draft first.
compare-packages = Packages of { $plan } for { $platform }
compare-pictures = Pictures
compare-removed = removed
compare-same = Nothing differs.
compare-sizes = Sizes
compare-tags = Tags
compare-to = To
compare-unchanged = Unchanged:
delete-becomes-live = The draft becomes again what is live. What you edited since is lost.
delete-draft = Delete the draft
delete-draft-lead = A draft that is not wanted any more can be deleted; what is live stays live.
delete-no-etag = The form does not say which draft is meant.
delete-no-etag-hint = Open the page again and press the button there.
delete-now = Delete the draft now
delete-question = Delete the draft of { $name }?
delete-submissions-stay = Submissions and the history stay.
delete-whole = The offer was never live: it is gone from the list of your offers, with everything that you edited.
draft = Draft
history-detail = Detail
history-empty = Nothing was done yet.
history-newest = Newest
history-older = Older
history-what = What
history-when = When
history-who = Who
manage-compare = Compare
manage-history = History
manage-insights = Insights
manage-pages = Pages of this offer
manage-selling = Selling
selling-change = Change
selling-lead = Whatever is not sold any more is in no catalogue, and nobody can acquire it. Devices that run it can still pull it.
selling-none = Nothing of this offer is live, so nothing of it is sold. Publish it first.
selling-part = Part
selling-restore = Sell again
selling-sold = sold
selling-stop = Stop selling
selling-stopped = not sold since { $since }
selling-whole = The whole offer
stop-back = You can sell it again at any time.
stop-devices = Devices that run it can still pull it.
stop-hides = It is hidden from the catalogue and from the search.
stop-now = Stop selling now
stop-question = Stop selling { $name }?
stop-refuses = Nobody can acquire it, or make a new deployment of it.
insights-acquisitions-desc = { $total ->
    [one] One acquisition from { $from } to { $to }.
   *[other] { $total } acquisitions from { $from } to { $to }.
}
insights-again = judged again
insights-by = Told apart by
insights-by-plan = Plan
insights-by-platform = Platform
insights-by-region = Region
insights-by-version = Version
insights-csv = Download as CSV
insights-day = Day
insights-downloads = Downloads
insights-downloads-desc = { $total ->
    [one] One download from { $from } to { $to }.
   *[other] { $total } downloads from { $from } to { $to }.
}
insights-from = From
insights-leads-desc = { $total ->
    [one] One lead from { $from } to { $to }.
   *[other] { $total } leads from { $from } to { $to }.
}
insights-none-acquisitions = Nobody acquired a plan in these days.
insights-none-downloads = Nothing was downloaded in these days. Downloads of previews are not counted.
insights-none-leads = No lead came in these days. A customer who acquires a plan is a lead.
insights-none-vulnerabilities = Nothing of this offer was live yet, so nothing of it was judged.
insights-others = others
insights-show = Show
insights-table = The numbers as a table
insights-to = To
insights-unchecked = not compared with advisories
insights-unknown = unknown
insights-vulnerabilities = Known vulnerabilities
insights-vulnerabilities-desc = { $count ->
    [0] At the last judgement no vulnerability was known of what is live.
    [one] At the last judgement one vulnerability was known of what is live.
   *[other] At the last judgement { $count } vulnerabilities were known of what is live.
}
leads = Leads
