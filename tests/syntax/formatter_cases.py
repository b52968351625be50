"""Layouts: what stands above the arrow becomes what stands below it; what has no arrow stays as it is."""

CASES = {
    "nothing": "",
    "only a comment": "# nothing here\n",
    "module and imports": """
        module   a . b
        import std.tenancy(Tenanted,same_tenant)
        import std.agents
        role a
        =>
        module a.b

        import std.tenancy (Tenanted, same_tenant)
        import std.agents

        role a
        """,
    "short declarations keep their groups": """
        role a
        role b



        role c
        type T = Int
        let x = 1
        =>
        role a
        role b

        role c
        type T = Int
        let x = 1
        """,
    "rules stand apart": """
        role a
        permit p { subject any  action any  resource any  scope any "x" }
        forbid f { subject any  action any  resource any }
        =>
        role a

        permit p {
          subject  any
          action   any
          resource any
          scope    any "x"
        }

        forbid f {
          subject  any
          action   any
          resource any
        }
        """,
    "long declarations of one kind may stand together, of two kinds not": """
        subject A {
          a: Int
        }
        subject B {
          b: Int
        }
        resource C {
          c: Int
        }
        context {
          now: Time
        }
        =>
        subject A {
          a: Int
        }
        subject B {
          b: Int
        }

        resource C {
          c: Int
        }

        context {
          now: Time
        }
        """,
    "attributes are aligned, up to six spaces": """
        resource R as "r"   in A,B is T {
          id:Int, owner : User?
          n as "external":  Set < String >   untrusted

          status: "a"|"b"
          a_very_long_name: {a:Int,b:Bool?}
        }
        =>
        resource R as "r" in A, B is T {
          id:    Int
          owner: User?
          n as "external": Set<String> untrusted

          status: "a" | "b"
          a_very_long_name: {a: Int, b: Bool?}
        }
        """,
    "a body that was begun on one line stays there if it fits": """
        trait T { }
        subject U {a: Int   b: Bool}
        subject V { first: String, second: String, third: String, fourth: String, fifth: String, number: String }
        =>
        trait T { }
        subject U { a: Int, b: Bool }
        subject V {
          first:  String
          second: String
          third:  String
          fourth: String
          fifth:  String
          number: String
        }
        """,
    "actions stand in columns": """
        action read,cancel on Order
        action refund on Order(amount:Decimal) effects irreversible,sends_out
        action x.y as "x:y" on Order in g, h modifies a=args.amount, roles acts as resource.owner requires z effects approves

        action apart on Order   effects approves
        =>
        action read, cancel on Order
        action refund       on Order (amount: Decimal)   effects irreversible, sends_out
        action x.y as "x:y" on Order
          in g, h
          modifies a = args.amount, roles
          acts as resource.owner requires z
          effects approves

        action apart on Order   effects approves
        """,
    "an action that is too long has a line for each of what it does": """
        action create_a_very_long_name as "mcp/server:create" on Order, Invoice (amount: Decimal, reason: String?) effects irreversible, sends_out modifies owner
        =>
        action create_a_very_long_name as "mcp/server:create" on Order, Invoice (amount: Decimal, reason: String?)
          effects irreversible, sends_out
          modifies owner
        """,
    "roles": """
        role viewer
        role editor extends viewer
        role admin_of_us extends editor,viewer
        role root as "A name that is longer" extends viewer
        =>
        role viewer
        role editor      extends viewer
        role admin_of_us extends editor, viewer
        role root as "A name that is longer" extends viewer
        """,
    "every clause": """
        require   approval r "Somebody signs" { subject User with role a or b , Agent::"x" ,T in G::"g"
          action crm . * , read
          resource any
          when not a
          unless b valid from 2026-01-01 valid until 2027-01-01
          from User with role lead,Boss where approver!=subject
          quorum 2 expires 4h }
        invariant i { never allow or require_approval subject any action any resource any }
        =>
        require approval r "Somebody signs" {
          subject  User with role a or b, Agent::"x", T in G::"g"
          action   crm.*, read
          resource any
          when     not a
          unless   b
          valid from  2026-01-01
          valid until 2027-01-01
          from     User with role lead, Boss where approver != subject
          quorum   2
          expires  4h
        }

        invariant i {
          never    allow or require_approval
          subject  any
          action   any
          resource any
        }
        """,
    "parentheses are those that are needed": """
        let a = ((x))
        let b = (x and y) and (z == 1)
        let c = (x + (y * z)) - (u - v)
        let d = -(x) * (-(y + z))
        let e = (x.y).z(((1))) == (2)
        let f = (x or y) and (not (u)) and (any s in t: s)
        let g = (any s in (t): (s and u))
        =>
        let a = x
        let b = (x and y) and z == 1
        let c = x + y * z - (u - v)
        let d = -x * -(y + z)
        let e = x.y.z(1) == 2
        let f = (x or y) and not u and (any s in t: s)
        let g = any s in t: s and u
        """,
    "true and false keep parentheses before a colon, where they would be names": """
        let a = any s in (true): s
        let b = any s in (-(true)): s
        let c = any s in -((false)): s
        let d = any s in ((x) + (y * (true))): s
        let e = any s in (x - (y or (true))): s
        let f = any s in (g(any t in -(true): t) + (true)): s
        let g = any s in (true): (any t in (false): t)
        =>
        let a = any s in (true): s
        let b = any s in -(true): s
        let c = any s in -(false): s
        let d = any s in x + y * (true): s
        let e = any s in x - (y or true): s
        let f = any s in g(any t in -(true): t) + (true): s
        let g = any s in (true): any t in (false): t
        """,
    "parentheses behind not stay where they help": """
        let a = not (x == y) and not (z)
        let b = not x in y
        let c = (not any x in y: z) or u
        =>
        let a = not (x == y) and not z
        let b = not x in y
        let c = not (any x in y: z) or u
        """,
    "long conditions break at and and or": """
        permit p {
          when subject.department == resource.department and (resource.status == "open" or resource.total <= 100.00 or subject.level >= 3) and context.mfa
        }
        =>
        permit p {
          when     subject.department == resource.department
                   and (resource.status == "open" or resource.total <= 100.00 or subject.level >= 3)
                   and context.mfa
        }
        """,
    "long lists break after commas": """
        permit p {
          subject User with role accounting or controlling, Agent::"the-agent-that-files-invoices", Service in Group::"g"
          when resource.status in {"open", "shipped", "refunded", "cancelled", "returned", "lost", "found again"}
        }
        =>
        permit p {
          subject  User with role accounting or controlling,
                   Agent::"the-agent-that-files-invoices",
                   Service in Group::"g"
          when     resource.status
                     in {"open", "shipped", "refunded", "cancelled", "returned", "lost", "found again"}
        }
        """,
    "a set that was begun over several lines stays so, without a last comma": """
        let s = {
          "a", "b",

          "c",
        }
        let t = {"a",
          "b",}
        =>
        let s = {
          "a",
          "b",

          "c"
        }
        let t = {"a", "b"}
        """,
    "lets": """
        let own(s:T,o:U)=same_tenant(s,o)and o.status!="refunded"
        let long(subject_of_it: Tenanted, resource_of_it: Order) = same_tenant(subject_of_it, resource_of_it) and done
        =>
        let own(s: T, o: U) = same_tenant(s, o) and o.status != "refunded"
        let long(subject_of_it: Tenanted, resource_of_it: Order) =
          same_tenant(subject_of_it, resource_of_it) and done
        """,
    "long types": """
        type Zone = "Europe/London" | "Europe/Berlin" | "Europe/Athens" | "America/New_York" | "America/Chicago"
        type Longer = "Europe/London" | "Europe/Berlin" | "Europe/Athens" | "America/New_York" | "America/Los_Angeles" | "Asia/Dubai"
        =>
        type Zone =
          "Europe/London" | "Europe/Berlin" | "Europe/Athens" | "America/New_York" | "America/Chicago"
        type Longer =
          "Europe/London"
          | "Europe/Berlin"
          | "Europe/Athens"
          | "America/New_York"
          | "America/Los_Angeles"
          | "Asia/Dubai"
        """,
    "fixtures and tests": """
        fixture alice = User::"alice" with role a,b in Group::"g" {tenant:"acme"}
        fixture bot = Agent::"bot"
        fixture order = Order::"o" {
          tenant: "acme", id: 1,
        }
        test "limits" { given bot on behalf   of alice given context{mfa:true}
          expect allow refund_it(note:"") on order
          expect require_approval refund(amount:80.00) on order because a,b.c
          expect deny refund(amount: 10.00) on order{tenant:"globex"} }
        =>
        fixture alice = User::"alice" with role a, b in Group::"g" { tenant: "acme" }
        fixture bot   = Agent::"bot"
        fixture order = Order::"o" {
          tenant: "acme",
          id:     1
        }

        test "limits" {
          given    bot on behalf of alice
          given    context { mfa: true }
          expect   allow            refund_it(note: "")   on order
          expect   require_approval refund(amount: 80.00) on order                       because a, b.c
          expect   deny             refund(amount: 10.00) on order { tenant: "globex" }
        }
        """,
    "comments stay where they belong": """
        # first

        ## about R
        ## and more
        resource R {  # its body
          # before a
          a: Int  # a
          ## b is
          b: Int
          # at the end
        }  # behind

        # above the rule
        permit p {  # open
          subject  any  # subject

          # before the condition
          when     a  # one
                   # two
                   and f(
                     # inside
                     x,  # x
                     y
                   )
        }

        # last
        """,
    "comments that are elsewhere keep their order": """
        role # a
          x # b
          extends # c
          y
        permit p # d
        { subject # e
          any , # f
          User }
        =>
        role  # a
        x  # b
        extends  # c
                y

        permit p {  # d
          subject  # e
                   any,  # f
                   User
        }
        """,
    "comments of parentheses that are left out": """
        let x = (f()# a
        )# b
        let y = ({1 # 0
        }# a

        # b

        # c
        )# d
        =>
        let x = f(
          # a
          # b
        )
        let y = {
          1  # 0
          # a
          # b

          # c
          # d
        }
        """,
    "comments between items in braces stay where they are": """
        let x = {
          {a: 1},  # first
          {a: 2},  # second
          {
            a: 3  # third
          }
        }
        let y = {  # why
          {a: 1},
          {a: 2}
        }
        let z = f(  # what
          {1},  # one
          {2}
        )
        """,
    "a brace joins the line before a comment": """
        subject A # why
        {
          b: # what
          { c: Int } }
        permit p "d" # when
        {
          when ## doc
          (({# set
            {}})) == x }
        =>
        subject A {  # why
          b: {  # what
               c: Int
             }
        }

        permit p "d" {  # when
          when  ## doc
                   {  # set
                     {}
                   }
                     == x
        }
        """,
    "a comment does not count for the width": """
        let x = aaaaaaaaaaaaaaaaaaaaaaaa and bbbbbbbbbbbbbbbbbbbbbbbbbbb and ccccccccccccccccccccc  # a long comment about this
        """,
    "documentation is not given to what had none": """
        resource R {
          a: Int
          ## no documentation of b
          , b: Int
        }
        =>
        resource R {
          a: Int
          ## no documentation of b

          b: Int
        }
        """,
    "keywords as names": """
        subject S {
          when as "if": Bool, in: Int,
          role # why
            : String
        }
        =>
        subject S {
          when as "if": Bool
          in:   Int
          role:
                # why
                String
        }
        """,
    "empty lines": """


        permit p {

          subject  any


          action   any

        }
        # one


        # two

        ## three
        role a
        =>
        permit p {
          subject  any

          action   any
        }

        # one

        # two

        ## three
        role a
        """,
}
