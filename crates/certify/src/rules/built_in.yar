/* Built-in rules, written for this project. Strings are hexadecimal, so that the program that contains this text does
   not match itself. A rule whose name contains "miner" is reported under no-crypto-miners. Each rule needs at least one
   of the literals in rules.rs, which wake it. */

rule eicar_test_file {
    meta: description = "EICAR anti-virus test file (eicar.org): begins with the 68 bytes, at most 128 long"
    strings: $a = { 58 35 4f 21 50 25 40 41 50 5b 34 5c 50 5a 58 35 34 28 50 5e 29 37 43 43 29 37 7d 24 45 49 43 41 52 2d 53 54 41 4e 44 41 52 44 2d 41 4e 54 49 56 49 52 55 53 2d 54 45 53 54 2d 46 49 4c 45 21 24 48 2b 48 2a }
    condition: $a at 0 and filesize <= 128
}
rule miner_pool_url {
    meta: description = "URL of a mining pool in a configuration, script or environment"
    strings: $a = /\x73\x74\x72\x61\x74\x75\x6d\x2b(tcp|ssl|tls|udp)[0-9]{0,1}:\/\/[A-Za-z0-9._-]{3,100}\.[A-Za-z0-9-]{2,60}:[0-9]{2,5}/
    condition: filesize < 1MB and uint32(0) != 0x464c457f and $a
}
rule miner_xmrig_configuration {
    meta: description = "configuration file of XMRig or its forks"
    strings:
        $donate = { 22 64 6f 6e 61 74 65 2d 6c 65 76 65 6c 22 }
        $pools = { 22 70 6f 6f 6c 73 22 }
        $cpu = { 22 63 70 75 22 }
        $url = { 22 75 72 6c 22 }
        $randomx = { 22 72 61 6e 64 6f 6d 78 22 }
    condition: filesize < 1MB and uint8(0) == 0x7b and $donate and $pools and $url and ($cpu or $randomx)
}
rule miner_xmrig_program {
    meta: description = "XMRig or a fork, not packed"
    strings:
        $name = "\x78\x6d\x72\x69\x67" nocase
        $donate_host = { 64 6f 6e 61 74 65 2e 76 32 2e 78 6d 72 69 67 2e 63 6f 6d }
        $donate_level = { 64 6f 6e 61 74 65 2d 6c 65 76 65 6c }
        $algorithm = "\x72\x61\x6e\x64\x6f\x6d\x78" nocase
        $algorithm_old = "\x63\x72\x79\x70\x74\x6f\x6e\x69\x67\x68\x74" nocase
        $pool = { 73 74 72 61 74 75 6d 2b 74 63 70 3a 2f 2f }
    condition:
        (uint32(0) == 0x464c457f or uint16(0) == 0x5a4d) and
        ($donate_host or ($name and 2 of ($donate_level, $algorithm, $algorithm_old, $pool)))
}
rule miner_program {
    meta: description = "a well-known mining program: its name and a pool's protocol in one program"
    strings:
        $name0 = { 63 70 75 6d 69 6e 65 72 }
        $name1 = { 63 63 6d 69 6e 65 72 }
        $name2 = { 65 74 68 6d 69 6e 65 72 }
        $name3 = { 6c 6f 6c 4d 69 6e 65 72 }
        $name4 = { 50 68 6f 65 6e 69 78 4d 69 6e 65 72 }
        $name5 = { 4e 42 4d 69 6e 65 72 }
        $name6 = { 78 6d 72 2d 73 74 61 6b }
        $pool = { 73 74 72 61 74 75 6d 2b }
        $subscribe = { 6d 69 6e 69 6e 67 2e 73 75 62 73 63 72 69 62 65 }
        $getwork = { 65 74 68 5f 67 65 74 57 6f 72 6b }
    condition:
        (uint32(0) == 0x464c457f or uint16(0) == 0x5a4d) and any of ($name*) and any of ($pool, $subscribe, $getwork)
}
rule webshell_php_eval {
    meta: description = "PHP that runs what a request carries"
    strings:
        $php = { 3c 3f }
        $a = /\x65\x76\x61\x6c\(\x24\x5f(POST|GET|REQUEST|COOKIE)\[/
    condition: filesize < 1MB and $php in (0..1024) and $a
}
rule webshell_b374k {
    meta: description = "the web shell b374k, plain or packed by its own packer"
    strings:
        $php = { 3c 3f }
        $name = { 62 33 37 34 6b }
        $use0 = { 62 61 73 65 36 34 5f 64 65 63 6f 64 65 }
        $use1 = { 67 7a 69 6e 66 6c 61 74 65 }
        $use2 = { 73 68 65 6c 6c 5f 65 78 65 63 }
    condition: filesize < 1MB and $php in (0..1024) and $name and any of ($use*)
}
rule reverse_shell_bash {
    meta: description = "a shell whose input and output are a connection to somewhere, by bash's /dev/tcp"
    strings: $a = /\x73\x68 -i {0,2}[0-9]?[<>]{1,2}& ?\x2f\x64\x65\x76\x2ftcp\/[A-Za-z0-9.:_-]{3,100}\/[0-9]{1,5}/
    condition: filesize < 1MB and uint32(0) != 0x464c457f and $a
}
rule reverse_shell_python {
    meta: description = "a shell whose input, output and errors are a socket, by Python's os.dup2"
    strings:
        $in = { 2e 66 69 6c 65 6e 6f 28 29 2c 30 }
        $out = { 2e 66 69 6c 65 6e 6f 28 29 2c 31 }
        $err = { 2e 66 69 6c 65 6e 6f 28 29 2c 32 }
        $dup = { 6f 73 2e 64 75 70 32 28 }
        $shell = /\x2f\x62\x69\x6e\x2f(ba|da)?sh/
    condition: filesize < 1MB and uint32(0) != 0x464c457f and all of them
}
rule rootkit_diamorphine {
    meta: description = "the kernel module Diamorphine, which hides processes"
    strings:
        $name = { 64 69 61 6d 6f 72 70 68 69 6e 65 5f }
        $hides = { 6d 6f 64 75 6c 65 5f 68 69 64 65 }
        $root = { 67 69 76 65 5f 72 6f 6f 74 }
    condition: uint32(0) == 0x464c457f and $name and any of ($hides, $root)
}
rule botnet_mirai_loader {
    meta: description = "Mirai and its children, which ask devices' busybox for an applet of their own"
    strings: $a = { 2f 62 69 6e 2f 62 75 73 79 62 6f 78 20 4d 49 52 41 49 }
    condition: $a
}
