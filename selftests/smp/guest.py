import os
os.system('cat /sys/module/vfw/parameters/*; echo 1 > /sys/module/vfw/parameters/record; echo 0 > /sys/module/vfw/parameters/record; head /sys/kernel/debug/vfw_smp; dmesg | tail -3')
