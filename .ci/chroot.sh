# SPDX-License-Identifier: MIT
# A bare Debian 12 in the folder $root, for test/bare_debian and .ci/debian_package, which set it and source this. As root.
# shellcheck shell=bash disable=SC2154

die() { echo "${0##*/}: $*" >&2; exit 1; }

make_debian() {
  local mirror
  # shellcheck disable=SC2016  # apt expands it.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep '/debian/$' | sort -u | sed -n 1p)
  debootstrap --variant=minbase bookworm "$root" ${mirror:+"$mirror"}
  # The way to the mirror: names, proxy, certificates.
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  apt-config dump | grep -E '^Acquire::(http|https|Check-)' > "$root/etc/apt/apt.conf.d/99host" || true
}

# inside [--net] COMMAND...: runs it in /umbel; with --net in a network that has a loopback only.
inside() {
  local options=(--mount)
  if [[ $1 == --net ]]; then options+=(--net); shift; fi
  # shellcheck disable=SC2016  # The inner shell expands them.
  unshare "${options[@]}" bash -c '
    set -e
    mount -t proc proc "$0/proc"
    mount --rbind /dev "$0/dev"
    ip link set lo up
    exec chroot "$0" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
      http_proxy="$http_proxy" https_proxy="$https_proxy" bash -c "cd /umbel && exec \"\$@\"" - "$@"
  ' "$root" "$@"
}

# step WORDS COMMAND...
step() {
  local words=$1 log=$root/step.log began=$SECONDS summary
  if "${@:2}" > "$log" 2>&1; then
    summary=$(tail -n 1 "$log")
    echo "ok      $words, $((SECONDS - began)) s${summary:+: $summary}"
  else
    tail -n 50 "$log"
    die "FAILED  $words"
  fi
}

(( EUID == 0 )) || die 'a chroot needs root'
command -v debootstrap ip > /dev/null || die 'needs debootstrap and iproute2'
